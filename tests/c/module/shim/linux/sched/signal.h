#include <kernel.h>
