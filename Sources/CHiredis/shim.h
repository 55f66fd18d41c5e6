// The one place where hiredis meets Swift. hiredis 0.14.1 (Debian 12) up to 1.x; what differs is guarded by
// HIREDIS_MAJOR / HIREDIS_MINOR here, so that Swift sees one interface.
#ifndef JOBQD_CHIREDIS_SHIM_H
#define JOBQD_CHIREDIS_SHIM_H
#include <hiredis/hiredis.h>
#endif
