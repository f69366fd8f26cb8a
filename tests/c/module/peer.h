/* The other domains, message by message: what they say on the control ring, and what the module answers. */
#ifndef PEER_H
#define PEER_H

#include "connection.h"
#include "test.h"

#define PEER 7u
#define STRANGER 8u
#define LISTEN_PORT 50u

struct answer {
	u16 to;
	struct v4v_control message;
};

/* What the module said on control rings, oldest first. */
extern struct answer answers[64];
extern unsigned int nr_answers;
/* What a control ring of theirs does with a message: 1 to take it, or an error. */
extern long (*control_result)(u16 to);

/* The socket type of which they speak. */
extern u16 peer_type;

void peer_start(void);
void peer_stop(void);
/* Puts a message into the module's control ring and lets it work. */
void peer_says(u16 from, enum v4v_control_op op, u32 ring, u32 about, u32 flags);
void peer_puts(u16 from, const void *bytes, u32 length, u32 type);
/* Forgets what was said so far. */
void forget_answers(void);

#endif
