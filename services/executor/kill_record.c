/* kill_record - see kill_record.h. */
#include "services/executor/kill_record.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/io/fs.h"

#define FILE_MAX (EVENT_NAME_MAX + EVENT_TEXT_MAX + 2)

static int from_errno(void)
{
	return errno == ENOSPC || errno == EDQUOT ? ERR_NO_SPACE : ERR_IO;
}

static void line_break(char *text)
{
	for (; *text; text++)
		if (*text == '\n')
			*text = ' ';
}

static void parse(char *text, struct kill_record *r)
{
	char *second = strchr(text, '\n');
	if (second)
		*second++ = '\0';
	char *end = second ? strchr(second, '\n') : NULL;
	if (end)
		*end = '\0';
	event_set_name(r->owner, text[0] ? text : "unknown");
	event_set_text(r->reason, second && *second ? second : "The file " KILL_RECORD_NAME " does not say why.");
}

bool kill_record_find(const char *data, struct kill_record *r)
{
	char path[PATH_MAX], text[FILE_MAX + 1] = "";
	size_t n = 0;
	*r = (struct kill_record){.owner = "unknown"};
	snprintf(path, sizeof(path), "%s/" KILL_RECORD_NAME, data);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return false;
	if (fd < 0 || fs_read_at(fd, text, FILE_MAX, 0, &n) != 0)
		snprintf(r->reason, sizeof(r->reason), "%s is there and cannot be read: %s.", KILL_RECORD_NAME,
			 strerror(errno));
	else
		parse(text, r);
	if (fd >= 0)
		close(fd);
	return true;
}

int kill_record_write(const char *data, const struct kill_record *record)
{
	struct kill_record r = *record;
	char text[FILE_MAX + 1];
	line_break(r.owner);
	line_break(r.reason);
	int n = snprintf(text, sizeof(text), "%s\n%s\n", r.owner, r.reason);
	return fs_put(data, KILL_RECORD_NAME, text, (size_t)n);
}

int kill_record_remove(const char *data)
{
	int dir, rc = fs_open_dir(data, &dir);
	if (rc != 0)
		return rc;
	if (unlinkat(dir, KILL_RECORD_NAME, 0) != 0 && errno != ENOENT)
		rc = from_errno();
	if (rc == 0)
		rc = fs_sync_dir(dir);
	close(dir);
	return rc;
}
