#include "library.h"

#include <dlfcn.h>
#include <stdint.h>
#include <string.h>

void *library_open(const char *path, const char *const names[], const char *advice, struct error *error)
{
	void *library;

	if (path) {
		library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		if (!library)
			error_set(error, "%s", dlerror());
		return library;
	}
	error_set(error, "%s is not found: %s", names[0], advice);
	for (size_t i = 0; names[i]; i++) {
		const char *reason;

		library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
		if (library)
			return library;
		/* One that is there and does not load is the one to hear about. */
		reason = dlerror();
		if (!strstr(reason, "No such file"))
			error_set(error, "%s", reason);
	}
	return NULL;
}

bool library_functions(void *library, const struct library_symbol symbols[], size_t count, void *table,
		       struct error *error)
{
	for (size_t i = 0; i < count; i++) {
		void *function = dlsym(library, symbols[i].name);

		if (!function)
			return error_set(error, "the library has no %s: it is not what it is taken for, or too old",
					 symbols[i].name);
		memcpy((uint8_t *)table + symbols[i].offset, &function, sizeof(function));
	}
	return true;
}
