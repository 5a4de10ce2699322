/* The virtual clock, and silence: the guest imports nothing. */
#include "guest.h"

static uint64_t clock_now = 1700000000000000;

uint64_t clock_read(void)
{
    return clock_now++;
}

void clock_advance(uint64_t microseconds)
{
    clock_now += microseconds;
}

int guest_gettimeofday(struct timeval *now)
{
    uint64_t reading = clock_read();
    now->tv_sec = (time_t)(reading / 1000000);
    now->tv_usec = (suseconds_t)(reading % 1000000);
    return 0;
}

int guest_clock_gettime(struct timespec *now)
{
    uint64_t reading = clock_read();
    now->tv_sec = (time_t)(reading / 1000000);
    now->tv_nsec = (long)(reading % 1000000) * 1000;
    return 0;
}

struct tm *guest_localtime_r(const time_t *seconds, struct tm *parts)
{
    return gmtime_r(seconds, parts); /* the sandbox lives in UTC */
}

/* The engine prints only when its own books are wrong; it aborts right after. */
int guest_print(void)
{
    return 0;
}
