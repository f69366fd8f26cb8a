#include <kernel.h>

#define S32_MAX INT32_MAX
#define S64_MAX INT64_MAX
