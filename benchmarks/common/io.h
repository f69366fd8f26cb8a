/* Whole messages over blocking descriptors: partial transfers and interrupted calls are put right here. */
#ifndef BENCH_COMMON_IO_H
#define BENCH_COMMON_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Sends all bytes over a socket; one system call when the kernel takes them at once. False with errno. */
bool send_all(int fd, const void *bytes, size_t length);

/*
 * Receives until `length` bytes are there or the peer ends the stream: bytes received (less than `length` only at
 * the end of the stream), or -1 with errno. Without MSG_WAITALL on purpose: AF_VSOCK refuses that for a message
 * above its receive high-water mark.
 */
ssize_t receive_all(int fd, void *bytes, size_t length);

/* The same over any descriptor (pipes). */
bool write_all(int fd, const void *bytes, size_t length);

/* Page-aligned anonymous memory, every page of it touched. Never fails, never freed: it lives as long as its role. */
void *buffer_new(size_t bytes);

#endif
