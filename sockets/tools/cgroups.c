/* Control groups whose programs ask for V4V, whatever they are linked with: a parameter of the module. */
#include "cgroups.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PARAMETER "/sys/module/v4v/parameters/tcp_cgroups"

static int failed(const char *what)
{
	fprintf(stderr, "v4vctl: %s cannot be %s: %s%s\n", PARAMETER, what, strerror(errno),
		errno == ENOENT ? "; is the module loaded?" : "");
	return 1;
}

static int show(void)
{
	FILE *file = fopen(PARAMETER, "r");
	char line[4096];
	int code = 0;

	if (!file)
		return failed("read");
	if (!fgets(line, sizeof(line), file))
		code = failed("read");
	else
		fputs(*line == '\n' ? "none\n" : line, stdout);
	fclose(file);
	return code;
}

int cgroups(const char *list)
{
	int fd, code = 0;

	if (!list)
		return show();
	if (strcmp(list, "none") != 0 && *list != '/') {
		fprintf(stderr, "v4vctl: %s: a path begins with /\n", list);
		return 2;
	}
	fd = open(PARAMETER, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return failed("changed");
	/* An empty write would not reach the module. */
	if (strcmp(list, "none") == 0)
		list = "\n";
	if (write(fd, list, strlen(list)) < 0)
		code = failed("changed");
	close(fd);
	return code;
}
