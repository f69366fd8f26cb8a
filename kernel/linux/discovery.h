/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * V4V: what dom0's v4vd publishes.
 */
#ifndef V4V_DISCOVERY_H
#define V4V_DISCOVERY_H

int v4v_discovery_start(void);
void v4v_discovery_stop(void);

#endif
