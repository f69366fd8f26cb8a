#include "library_path.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool library_path(char *path, size_t size)
{
	char own[4096];
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);
	char *slash;

	if (n <= 0)
		return false;
	own[n] = '\0';
	slash = strrchr(own, '/');
	if (!slash)
		return false;
	*slash = '\0';
	/* PREFIX/lib without "..": the path is kept in files. */
	slash = strrchr(own, '/');
	if (slash && (size_t)snprintf(path, size, "%.*s/lib/" LIBRARY, (int)(slash - own), own) < size &&
	    access(path, R_OK) == 0)
		return true;
	return (size_t)snprintf(path, size, "%s/" LIBRARY, own) < size && access(path, R_OK) == 0;
}
