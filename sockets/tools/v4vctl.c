/* v4vctl: what the module knows of the whole domain. Needs no rights but to change what the system does. */
#include <stdio.h>
#include <string.h>

#include "cgroups.h"
#include "system.h"
#include "table.h"

static const char help[] =
	"usage: v4vctl peers | connections [--ended] | stats | system on|off|status |\n"
	"              cgroups [LIST|none]\n"
	"  peers        addresses of the domains on this host (CID 2 is dom0)\n"
	"  connections  TCP connections with them that asked for V4V, and which way they went;\n"
	"               state moved: by V4V; waits, offers, offered: not yet; stays: by TCP, for the reason given\n"
	"               --ended: those that have ended, the last 256\n"
	"  stats        what was carried to and from each domain\n"
	"  system on    every program started from now on asks for V4V, as under v4vrun (/etc/ld.so.preload; root only);\n"
	"               statically linked ones, and those that are running, do not\n"
	"  system off   takes that back\n"
	"  cgroups      control groups whose programs all ask, those that are running and statically linked ones, too\n"
	"  cgroups LIST sets them until the module is loaded again (root only): /system.slice/NAME.service is a service's,\n"
	"               / is the whole domain, several have commas between them; modes and lists are not looked at\n";

static int show(const char *path)
{
	struct table table;

	if (!table_read(&table, path))
		return 1;
	table_print(&table);
	table_free(&table);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (argc == 2 && strcmp(what, "peers") == 0)
		return show("/proc/v4v/peers");
	if (argc == 2 && strcmp(what, "connections") == 0)
		return show("/proc/v4v/sockets");
	if (argc == 3 && strcmp(what, "connections") == 0 && strcmp(argv[2], "--ended") == 0)
		return show("/proc/v4v/sockets_ended");
	if (argc == 2 && strcmp(what, "stats") == 0)
		return show("/proc/v4v/domains");
	if (argc == 3 && strcmp(what, "system") == 0 &&
	    (strcmp(argv[2], "on") == 0 || strcmp(argv[2], "off") == 0 || strcmp(argv[2], "status") == 0))
		return system_switch(argv[2]);
	if ((argc == 2 || argc == 3) && strcmp(what, "cgroups") == 0)
		return cgroups(argv[2]);
	if (argc == 2 && (strcmp(what, "--help") == 0 || strcmp(what, "-h") == 0)) {
		fputs(help, stdout);
		return 0;
	}
	fputs(help, stderr);
	return 2;
}
