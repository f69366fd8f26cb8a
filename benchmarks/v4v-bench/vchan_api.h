/*
 * What is used of libxenvchan.so.4.20, which is found at run time: v4v-bench builds and runs without Xen's libraries.
 * vchan_layout.c compares this with Xen's header where that is installed.
 */
#ifndef V4V_BENCH_VCHAN_API_H
#define V4V_BENCH_VCHAN_API_H

#include <stddef.h>
#include <stdint.h>

/* Xen's `struct libxenvchan`. No function says whether calls block or how large the rings are: its members do. */
struct vchan_ring {
	void *shared, *buffer;
	int order; /* it has 1 << order bytes */
};

struct vchan {
	void *grants, *page, *event;
	uint32_t event_port;
	unsigned int is_server : 1;
	unsigned int server_persist : 1;
	unsigned int blocking : 1; /* not set by the library: by whoever opens the channel */
	struct vchan_ring read, write;
	char *xenstore_path;
};

/* libxenvchan_is_open() */
enum { VCHAN_ENDED = 0, VCHAN_OPEN = 1, VCHAN_NO_CLIENT_YET = 2 };

struct vchan_api {
	struct vchan *(*server_init)(void *logger, int domain, const char *path, size_t read_min, size_t write_min);
	struct vchan *(*client_init)(void *logger, int domain, const char *path);
	void (*close)(struct vchan *vchan);
	int (*read)(struct vchan *vchan, void *bytes, size_t size);
	int (*write)(struct vchan *vchan, const void *bytes, size_t size);
	int (*wait)(struct vchan *vchan);
	int (*fd_for_select)(struct vchan *vchan);
	int (*is_open)(struct vchan *vchan);
	int (*buffer_space)(struct vchan *vchan);
};

#endif
