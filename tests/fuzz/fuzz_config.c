/* fuzz_config - any bytes as settings file, environment and flag: refused with a text, or loaded
 * and printed so that the print loads again to the same.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/io/config.h"

struct self {
	char text[64], secret[64], choice[16];
	int64_t number, wait, bytes, decimal;
	bool flag;
};

static struct self self[2];

#define AT(member) offsetof(struct self, member), sizeof(self[0].member)
static const struct config_key keys[] = {
	{"text", CONFIG_TEXT, "", 0, 0, "", "", NULL, AT(text)},
	{"secret", CONFIG_SECRET, "", 0, 0, "", "", NULL, AT(secret)},
	{"choice", CONFIG_CHOICE, "a", 0, 0, "", "", "a|bb|ccc", AT(choice)},
	{"number", CONFIG_INT, "1", -5, 1000, "", "", NULL, AT(number)},
	{"wait", CONFIG_DUR, "1s", 0, 0, "", "", NULL, AT(wait)},
	{"bytes", CONFIG_BYTES, "1KiB", 0, 0, "", "", NULL, AT(bytes)},
	{"decimal", CONFIG_DECIMAL, "0.5", 0, 0, "", "", NULL, AT(decimal)},
	{"flag", CONFIG_BOOL, "no", 0, 0, "", "", NULL, AT(flag)},
	{NULL, CONFIG_TEXT, NULL, 0, 0, NULL, NULL, NULL, 0, 0},
};
static const struct config_section sections[] = {
	{"bus", "", keys, &self[0], false, false},
	{"strategy", "", keys, &self[1], true, false},
};
static const char *const foreign[] = {"other", NULL};

/* A file without a folder, under a path that any open() takes. */
static int memory_file(const void *bytes, size_t len, char path[32])
{
	int fd = memfd_create("config", MFD_CLOEXEC);
	must(fd >= 0 && fchmod(fd, 0600) == 0);
	must(write(fd, bytes, len) == (ssize_t)len);
	snprintf(path, 32, "/dev/fd/%d", fd);
	return fd;
}

static int load(struct config *c, const void *bytes, size_t len, const char *flag,
		char *const *envp)
{
	char path[32];
	struct config_error err;
	int fd = memory_file(bytes, len, path);
	int rc = config_load(c, path, &flag, flag ? 1 : 0, envp, &err);
	close(fd);
	must(rc == 0 ||
	     (rc == ERR_ARG && err.text[0] != '\0' && strlen(err.text) < sizeof err.text));
	return rc;
}

static int same(void *ctx, const char *key, const char *value, const char *where)
{
	(void)ctx;
	must(key[0] != '\0' && where[0] != '\0' && value);
	return 0;
}

/* What is printed must be a settings file that means the same, but for secrets, which it does not
 * tell. */
static void print_and_load(struct config *c)
{
	struct buf b;
	struct self before[2];
	char *no_env[] = {NULL};
	memcpy(before, self, sizeof self);
	buf_init(&b, 8u << 20);
	must(config_print(c, &b) == 0);
	must(config_each(c, "strategy", "sub", same, NULL) == 0);
	if (b.len <= 1u << 20 && load(c, b.at, b.len, NULL, no_env) == 0) {
		memset(before[0].secret, 0, sizeof before[0].secret);
		memset(before[1].secret, 0, sizeof before[1].secret);
		must(memcmp(before, self, sizeof self) == 0);
	}
	buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* NUL-separated: flag, one variable, the rest is the file. */
	char *text = malloc(size + 1), *envp[] = {NULL, NULL};
	must(text);
	memcpy(text, data, size);
	text[size] = '\0';
	const char *flag = NULL;
	size_t at = 0, part = strlen(text);
	if (part < size) {
		flag = part > 0 ? text : NULL;
		at = part + 1;
		part = strlen(text + at);
	}
	if (at + part < size) {
		envp[0] = text + at;
		at += part + 1;
	}
	struct config *c;
	memset(self, 0, sizeof self);
	must(config_new(sections, ARRAY_LEN(sections), foreign, &c) == 0);
	if (load(c, text + at, size - at, flag, envp) == 0)
		print_and_load(c);
	config_free(c);
	free(text);
	return 0;
}
