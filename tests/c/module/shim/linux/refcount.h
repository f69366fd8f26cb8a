#include <net/af_vsock.h>
