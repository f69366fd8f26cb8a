/*
 * The samples: JSON lines, each appended by one write, so that a file may grow by several calls of the program.
 *
 *   {"type":"start","version":1,"bench":"0.1.0","program":"gpu-bench","clock":"CLOCK_MONOTONIC",
 *    "time":"2025-01-31T12:00:00Z"}
 *   {"type":"sample","experiment":"gpu-matmul","kind":"matmul","transport":"native","backend":"opencl","size":512,
 *    "size_bytes":1048576,"sweeps":0,"repetition":0,"start":"cold","ok":true,
 *    "device":{"platform":"...","name":"...","driver":"...","type":"cpu"},
 *    "phases_ns":{"connect":N,"compile":N,"allocate":N,"copy_a":N,"copy_b":N,"compute":N,"copy_c":N},
 *    "start_ns":N,"wall_ns":N,"reference":"openblas","error_part":0.012}
 *   {"type":"sample","experiment":"gpu-stencil","kind":"stencil",...,"sweeps":32,...}
 *   {"type":"sample","experiment":"gpu-transfer","kind":"transfer",...,"size_bytes":4096,"repetition":3,
 *    "direction":"to_device","ok":true,"device":{...},"transfer_ns":[...],"start_ns":N,"wall_ns":N}
 *   {"type":"sample",...,"ok":false,"phase":"compute","error":"clFinish: error -14, an earlier command failed"}
 *   {"type":"connection","transport":"tcp","size_bytes":4096,"rcvbuf":8388608,"sndbuf":8388608,
 *    "local":"10.83.0.11:40000","remote":"10.83.0.10:10998",
 *    "ss":{"sent":N,"received":N},"v4v":{"state":"moved","ring_sent":N,"ring_received":N,"tcp_sent":N,"tcp_received":N}}
 *   {"type":"ready"}     with --gate, before the wait
 *   {"type":"end","ok":12,"failed":0}
 *
 * "size" is a matrix's side, "size_bytes" one matrix or one transfer. A warm sample has "start":"warm" and only the phases
 * that it went through, from copy_a on. "wall_ns" is the whole run's, checks not counted. "type" of the device is what
 * its driver says: cpu means that a CPU computed, whatever was between. "error_part" is the largest error as a part of its bound,
 * see problem.h. A failed sample has "device":null if it came to no device. At a size's end
 * there is a "connection" for each IPv4 TCP connection that its process then has: payload by TCP that `ss -ti` prints as
 * acknowledged and received ("ss":null where ss does not tell), and what the module v4v counted ("v4v":null for a connection
 * that it does not know). "rcvbuf" and "sndbuf" are what the kernel granted this end, 0 where it does not tell.
 */
#ifndef GPU_BENCH_SAMPLES_H
#define GPU_BENCH_SAMPLES_H

#include "json.h"
#include "options.h"

/* How far the process that measures a size has come; shared with the one that waits for it. */
struct progress {
	uint32_t repetition;
	enum phase phase;
	bool to_device;       /* transfer: the direction */
	bool reported;        /* its failure is among the samples */
	char reason[400];     /* of that failure */
	uint32_t ok, failed;  /* sample lines */
	bool connected;
	struct device_info info;
};

bool samples_start(int fd, struct error *error);
bool samples_ready(int fd, struct error *error);
bool samples_end(int fd, uint64_t ok, uint64_t failed, struct error *error);

/* A key with its value. */
void pair_text(struct json *json, const char *key, const char *text);
void pair_number(struct json *json, const char *key, uint64_t number);

/* Bytes of one matrix or one transfer of the size, which is one of options->sizes. */
uint64_t sample_bytes(const struct options *options, uint64_t size);

/* The line up to what only good or only failed samples have. `size` is one of options->sizes. */
void sample_open(struct json *json, const struct options *options, uint64_t size, const struct progress *progress, bool ok);
/* Its end, and the write. */
bool sample_close(struct json *json, int fd, struct error *error);

bool sample_failed(int fd, const struct options *options, uint64_t size, struct progress *progress, const char *reason,
		   struct error *error);

#endif
