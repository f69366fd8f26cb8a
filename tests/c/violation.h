/* What the far side of the code under test must never see. */
#ifndef VIOLATION_H
#define VIOLATION_H

/* Fails the running test, with a line that says why. */
void violation(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
