/*
 * The samples file: JSON lines, appended as they appear.
 *
 *   {"type":"start","version":1,"plan":"<FNV-1a 64 of the plan file, 16 hex digits>","bench":"0.1.0",
 *    "clock":"CLOCK_MONOTONIC","time":"2025-01-31T12:00:00Z",
 *    "domains":[{"name":"domu1","domid":1,"addr":"10.83.0.11","cid":3,"kernel":"6.12.107","cpus":1,
 *    "tcp":"cubic,rmem=4096:131072:6291456,wmem=4096:16384:4194304"},...]}   "tcp": see kernel_tcp.h
 *   {"type":"sample","id":17,"experiment":"latency","kind":"pingpong","transport":"tcp","size_bytes":64,"pairs":1,
 *    "pair":"domu1:domu2","repetition":3,"ok":true,"rtt_ns":[...],"sndbuf":4194304,"rcvbuf":4194304,
 *    "start_ns":...,"wall_ns":...}
 *   {"type":"sample",...,"kind":"stream",...,"ok":true,"bytes":104857600,"ns":998000000,"messages":1600,
 *    "sndbuf":...,"rcvbuf":...,"start_ns":...,"wall_ns":...}
 *   {"type":"sample",...,"kind":"connect",...,"setup_ns":[...],...}   as a ping-pong's; one number a connection
 *   {"type":"sample",...,"kind":"iperf3",...,"program":"iperf3","version":"...","command":"...","figure":1234.567,
 *    "unit":"MB/s","payload_bytes":N,"net_tx_bytes":N,"net_rx_bytes":N,...}   so redis-get, unit 1/s. "figure" is the
 *    program's own; "payload_bytes" what that stands for at least; "net_*": all interfaces of the client's domain
 *   {"type":"sample",...,"kind":"memcpy","transport":"native",...,"bytes":...,"ns":...,"messages":...}   as a stream's
 *   {"type":"sample",...,"ok":false,"error":"domu1 (client): connect: Connection refused"}
 *   {"type":"step","id":17,"done":5,"of":120,"t_ms":81234}
 *   {"type":"step","id":18,"done":6,"of":120,"t_ms":81234,"skipped":true}   not measured: the gate said so, see gate.h
 *   {"type":"end","ok":118,"failed":2,"t_ms":...}
 *
 * "pairs" is what ran at the same time; "size_bytes" is the pair's own. "start_ns" and "wall_ns" are the client's window; "bytes" and "ns" the
 * server's, from its first received byte to its last. "sndbuf" and "rcvbuf" are the client's, see transport.h.
 * An agent that did not start leaves "kernel":null,"cpus":null and an "error" in place of "tcp" in its domain.
 * Keys that appear only where they have something to say:
 *   "ring_tx_bytes":N,"ring_rx_bytes":N,"tcp_tx_bytes":N,"tcp_rx_bytes":N
 *                    v4v-sockets, tcp-v4vrun, and programs on any transport: which way the client's bytes of the timed window went, by the
 *                    module's counters (tcp-v4vrun: TCP's by the kernel's, for the module knows nothing of the connection);
 *                    TCP's sent ones as the server's kernel acknowledged them, so some may be from before
 *   "pairs_ok":15    another pair of the step failed after the start, so fewer ran to the end together
 *   "cpu_ns":{...},"cpu_window_ns":N   first pair's line, with --cpu-command: domid -> CPU ns, over N ns
 *   "cpu_error":"..."                  first pair's line: that command failed
 * "ok" and "failed" of the end line count sample lines, of all sittings. "t_ms" is time that drives have spent on
 * this file: after a resumption it goes on from the last step's.
 *
 * A step counts as done once its `step` line is there whole. What follows the last one is cut off when a drive
 * resumes, so no sample is there twice.
 */
#ifndef V4V_BENCH_SAMPLES_H
#define V4V_BENCH_SAMPLES_H

#include "json.h"
#include "link.h"
#include "step.h"

struct samples {
	const char *path;
	int fd;
	struct json json;
	bool started;           /* the start line is there */
	bool ended;             /* so is the end line */
	size_t steps_done;      /* the first so many of the plan */
	uint64_t ok, failed;    /* sample lines */
	uint64_t earlier_ms;    /* t_ms of earlier sittings */
	uint64_t opened_ns;
};

/*
 * Opens or creates the file, locks it against a second drive and reads how far it has come. False when it is not a
 * samples file of this plan, cannot be written or is locked.
 */
bool samples_open(struct samples *samples, const char *path, const struct plan *plan, struct error *error);

/* The part of samples_open that reads the file, cuts off what is not whole and leaves the offset at its end. */
bool samples_resume(struct samples *samples, const struct plan *plan, struct error *error);

/* Each appends its line or lines. False when the file cannot be written. */
bool samples_start(struct samples *samples, const struct plan *plan, const struct link links[],
		   struct error *error);
bool samples_step(struct samples *samples, const struct step_result *result, struct error *error);
bool samples_skip(struct samples *samples, const struct plan *plan, struct error *error);
bool samples_end(struct samples *samples, struct error *error);

void samples_close(struct samples *samples);

#endif
