/* What the back ends have in common: a device with numbered buffers that runs the workloads. */
#ifndef GPU_BENCH_DEVICE_H
#define GPU_BENCH_DEVICE_H

#include "error.h"
#include "gpu_bench.h"

enum device_type { DEVICE_OTHER, DEVICE_CPU, DEVICE_GPU, DEVICE_ACCELERATOR };

struct device_info {
	char platform[128], name[256], driver[128];
	enum device_type type;
	uint64_t memory_bytes;     /* 0: unknown */
	uint64_t allocation_bytes; /* the largest buffer; 0: unknown */
};

/* What the user chose. */
struct device_choice {
	const char *library; /* file of libOpenCL or of the CUDA run time; NULL: found by name */
	const char *part;    /* of "platform: name"; NULL: a GPU if there is one, else an accelerator, else a CPU */
	const char *server;  /* ADDRESS:PORT of the back end `socket` */
};

enum buffer { BUFFER_A, BUFFER_B, BUFFER_C, BUFFERS };

struct device;

/* Every function returns when the device has done it; false with a reason. */
struct backend {
	const char *name;
	/* Calls `each` for every device, without opening one. */
	bool (*list)(const char *library, void (*each)(const struct device_info *info), struct error *error);
	bool (*connect)(struct device *device, const struct device_choice *choice, struct error *error);
	bool (*compile)(struct device *device, enum workload workload, struct error *error);
	bool (*allocate)(struct device *device, size_t bytes, unsigned buffers, struct error *error);
	/* Zeroes, without a transfer. */
	bool (*clear)(struct device *device, enum buffer which, size_t size, struct error *error);
	bool (*write)(struct device *device, enum buffer to, const void *bytes, size_t size, struct error *error);
	bool (*read)(struct device *device, enum buffer from, void *bytes, size_t size, struct error *error);
	/* C = A B for n x n matrices in rows. */
	bool (*matmul)(struct device *device, uint32_t n, struct error *error);
	/* One sweep over n x n values; sources are in B. Not waited for: `finish` is. */
	bool (*sweep)(struct device *device, enum buffer from, enum buffer to, uint32_t n, struct error *error);
	bool (*finish)(struct device *device, struct error *error);
	/* Gives back what was taken so far. */
	void (*close)(struct device *device);
};

extern const struct backend opencl_backend;
extern const struct backend cuda_backend;
extern const struct backend socket_backend;

struct device {
	const struct backend *backend;
	struct device_info info; /* once connected */
	void *state;             /* the back end's */
};

/* NULL when no back end is called that. */
const struct backend *backend_find(const char *name);

const char *device_type_name(enum device_type type);

/* Higher is taken first. */
unsigned device_preference(enum device_type type);

/* Whether `choice` admits the device. */
bool device_fits(const struct device_choice *choice, const struct device_info *info);

/* False says that the device cannot hold that many buffers of the size, and what it can hold. */
bool device_has_room(const struct device *device, size_t bytes, unsigned buffers, struct error *error);

/* The result of so many sweeps is in `*result`. */
bool device_stencil(struct device *device, uint32_t n, uint32_t sweeps, enum buffer *result, struct error *error);

#endif
