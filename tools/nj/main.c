/* main - nj, the command line of Nightjar. */
#include "tools/nj/verbs.h"

int main(int argc, char **argv)
{
	return cli_main(verbs, verbs_count, argc, argv);
}
