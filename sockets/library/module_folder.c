#include "module_folder.h"

#include <unistd.h>

#define MODULES "/sys/module"

bool module_is_absent(void)
{
	return access(MODULES "/v4v", F_OK) != 0 && access(MODULES, F_OK) == 0;
}
