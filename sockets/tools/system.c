/* The library for every program of the system that is started from now on. */
#include "system.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "library_path.h"
#include "preload_file.h"

#define PRELOAD "/etc/ld.so.preload"

static int failed(const char *what)
{
	fprintf(stderr, "v4vctl: %s cannot be %s: %s\n", PRELOAD, what, strerror(errno));
	return 1;
}

static int change(const char *text, const char *library, bool on)
{
	char *changed = preload_change(text, library, on);
	int done = changed ? preload_write(PRELOAD, changed) : -1;

	free(changed);
	return done == 0 ? 0 : failed("changed");
}

int system_switch(const char *what)
{
	bool on = strcmp(what, "on") == 0;
	char library[8192] = LIBRARY;
	char *text;
	int code = 0;

	if (on && !library_path(library, sizeof(library))) {
		fprintf(stderr, "v4vctl: %s was not found beside this program; is it installed?\n", LIBRARY);
		return 1;
	}
	text = preload_read(PRELOAD);
	if (!text)
		return failed("read");
	if (strcmp(what, "status") == 0)
		puts(preload_has(text, LIBRARY) ? "on" : "off");
	else if (on || preload_has(text, LIBRARY))
		code = change(text, library, on);
	free(text);
	return code;
}
