#include <kernel.h>

#define uint unsigned int
#define THIS_MODULE NULL
#define module_param(name, type, mode) _Static_assert(sizeof(name) == sizeof(type), "a parameter of its type")
#define MODULE_PARM_DESC(name, text) _Static_assert(sizeof(text) > 1, "a parameter is described")
