#include "preload_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As the loader reads it: names between white space and colons; from # to the end of the line is a comment. */
static const char separators[] = " \t\n:";

static size_t name_at(const char *text)
{
	return strcspn(text, " \t\n:#");
}

static bool is_named(const char *path, size_t length, const char *name)
{
	size_t n = strlen(name);

	return length >= n && memcmp(path + length - n, name, n) == 0 && (length == n || path[length - n - 1] == '/');
}

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The first library of that name from here on, or NULL. */
static const char *find(const char *text, const char *name)
{
	while (*text) {
		size_t length = name_at(text);

		if (is_named(text, length, name))
			return text;
		text += length;
		text += *text == '#' ? strcspn(text, "\n") : strspn(text, separators);
	}
	return NULL;
}

bool preload_has(const char *text, const char *name)
{
	return find(text, name) != NULL;
}

char *preload_change(const char *text, const char *library, bool add)
{
	const char *name = file_name(library), *at;
	size_t size = strlen(text) + strlen(library) + 3, length = 0;
	char *to = malloc(size);

	if (!to)
		return NULL;
	while ((at = find(text, name)) != NULL) {
		memcpy(to + length, text, (size_t)(at - text));
		length += (size_t)(at - text);
		text = at + name_at(at);
		/* Its separator goes with it; a line's end only if the line was its own. */
		if (*text == '\n' ? !length || to[length - 1] == '\n' : *text && *text != '#')
			text++;
	}
	length += (size_t)snprintf(to + length, size - length, "%s", text);
	if (!add)
		return to;
	snprintf(to + length, size - length, "%s%s\n", length && to[length - 1] != '\n' ? "\n" : "", library);
	return to;
}

char *preload_read(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (!file)
		return errno == ENOENT ? strdup("") : NULL;
	/* All of it: there are no bytes of value 0 in it. */
	if (getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = ferror(file) ? NULL : strdup("");
	}
	fclose(file);
	return text;
}

static int write_all(int fd, const char *text)
{
	size_t length = strlen(text);

	while (length) {
		ssize_t n = write(fd, text, length);

		if (n < 0)
			return -1;
		text += n;
		length -= (size_t)n;
	}
	return fchmod(fd, 0644) == 0 && fsync(fd) == 0 ? 0 : -1;
}

int preload_write(const char *path, const char *text)
{
	char *next;
	int fd, done;

	if (!text[strspn(text, separators)])
		return unlink(path) == 0 || errno == ENOENT ? 0 : -1;
	if (asprintf(&next, "%s.v4v-new", path) < 0)
		return -1;
	fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	done = fd < 0 ? -1 : write_all(fd, text);
	if (fd >= 0)
		close(fd);
	if (done == 0)
		done = rename(next, path);
	if (done != 0 && fd >= 0)
		unlink(next);
	free(next);
	return done;
}
