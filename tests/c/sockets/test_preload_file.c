/* The list of libraries of the whole system. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preload_file.h"
#include "units.h"

bool check_failed;

#define OURS "/usr/lib/libv4vsockets.so"

static void check_change(const char *text, bool add, const char *wanted)
{
	char *got = preload_change(text, OURS, add);

	CHECK(strcmp(got, wanted) == 0);
	if (strcmp(got, wanted) != 0)
		printf("# \"%s\" became \"%s\"\n", text, got);
	free(got);
}

static void it_is_added_once(void)
{
	check_change("", true, OURS "\n");
	check_change("/lib/other.so\n", true, "/lib/other.so\n" OURS "\n");
	check_change("/lib/other.so", true, "/lib/other.so\n" OURS "\n");
	check_change(OURS "\n", true, OURS "\n");
	/* Of another prefix: it would ask twice. */
	check_change("/usr/local/lib/libv4vsockets.so:/lib/other.so", true, "/lib/other.so\n" OURS "\n");
}

static void what_is_others_stays(void)
{
	check_change("", false, "");
	check_change(OURS "\n", false, "");
	check_change("/a.so " OURS " /b.so\n", false, "/a.so /b.so\n");
	check_change("/a.so\n" OURS "\n/b.so\n", false, "/a.so\n/b.so\n");
	check_change("/a.so:" OURS "\n/b.so\n", false, "/a.so:\n/b.so\n");
	check_change("# not " OURS "\n/a.so\n" OURS, false, "# not " OURS "\n/a.so\n");
	check_change(OURS "# why\n", false, "# why\n");
	check_change("/a/xlibv4vsockets.so /a/libv4vsockets.so.bak", false, "/a/xlibv4vsockets.so /a/libv4vsockets.so.bak");
	check_change(OURS ":" OURS " libv4vsockets.so\n", false, "");
}

static void it_is_found(void)
{
	CHECK(preload_has("/a.so:" OURS, "libv4vsockets.so"));
	CHECK(preload_has("libv4vsockets.so\n", "libv4vsockets.so"));
	CHECK(!preload_has("# " OURS "\n", "libv4vsockets.so"));
	CHECK(!preload_has("", "libv4vsockets.so"));
}

static void a_file_appears_and_goes(void)
{
	char folder[] = "/tmp/v4v-preload.XXXXXX", path[64];
	struct stat stat_of;
	char *text;

	CHECK(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/ld.so.preload", folder);
	text = preload_read(path);
	CHECK(text && !*text);
	free(text);
	CHECK_EQUAL(preload_write(path, OURS "\n"), 0);
	CHECK_EQUAL(stat(path, &stat_of), 0);
	CHECK_EQUAL(stat_of.st_mode & 0777, 0644);
	text = preload_read(path);
	CHECK(text && strcmp(text, OURS "\n") == 0);
	free(text);
	/* Nothing is left of it: the folder can be removed. */
	CHECK_EQUAL(preload_write(path, " \n"), 0);
	CHECK_EQUAL(preload_write(path, ""), 0);
	CHECK_EQUAL(rmdir(folder), 0);
	CHECK_EQUAL(preload_write(path, OURS "\n"), -1);
}

int main(void)
{
	int failed = 0;

	TESTS_BEGIN;
	failed += RUN(it_is_added_once);
	failed += RUN(what_is_others_stays);
	failed += RUN(it_is_found);
	failed += RUN(a_file_appears_and_goes);
	return failed > 0;
}
