/* The agent: runs in each domain, does what the drive's lines on stdin ask, ends with stdin. See protocol.h. */
#ifndef V4V_BENCH_AGENT_H
#define V4V_BENCH_AGENT_H

/* Returns the program's exit code. */
int agent_main(void);

#endif
