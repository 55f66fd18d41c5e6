/* The scenarios of jobqload; each runs, prints its report and returns the exit status. */
#ifndef SCENARIOS_H
#define SCENARIOS_H

#include "options.h"

int scenario_life(struct options *);
int scenario_requests(struct options *);
int scenario_latency(struct options *);
int scenario_delayed(struct options *);
int scenario_killed(struct options *);
int scenario_idle(struct options *);
int scenario_waiting(struct options *);
int scenario_fill(struct options *);
int scenario_depth(struct options *);

#endif
