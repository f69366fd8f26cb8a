/* A boot parameter is a variable that the tests reach by its name on the command line. */
#ifndef SHIM_XEN_PARAM_H
#define SHIM_XEN_PARAM_H

#define boolean_param(name, variable) bool *const shim_##variable = &(variable)

#endif
