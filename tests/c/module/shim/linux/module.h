#include <kernel.h>

#define uint unsigned int
#define THIS_MODULE NULL
/* What would keep the module from being unloaded. */
extern int module_references;
#define __module_get(module) ((void)((void)(module), module_references++))
#define module_put(module) ((void)((void)(module), module_references--))
/* A test sets it by `extern type *const param_name`. */
#define module_param(name, type, mode)                                                \
	_Static_assert(sizeof(name) == sizeof(type), "a parameter of its type");      \
	type *const param_##name = &name
#define MODULE_PARM_DESC(name, text) _Static_assert(sizeof(text) > 1, "a parameter is described")
