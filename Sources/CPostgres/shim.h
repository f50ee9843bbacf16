#pragma once
// Debian keeps it in a directory of its own, and there nobody adds that to the search path.
#if __has_include(<libpq-fe.h>)
#include <libpq-fe.h>
#else
#include <postgresql/libpq-fe.h>
#endif
