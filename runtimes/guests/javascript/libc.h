/* Included before every source file: calls of the C library that would import WASI functions go to libc.c. */
#pragma once

#include <stdio.h>
#include <sys/time.h>
#include <time.h>

int guest_gettimeofday(struct timeval *now);
int guest_clock_gettime(struct timespec *now);
struct tm *guest_localtime_r(const time_t *seconds, struct tm *parts);
int guest_print(void);

#define gettimeofday(now, zone) guest_gettimeofday(now)
#define clock_gettime(clock, now) guest_clock_gettime(now)
#define localtime_r(seconds, parts) guest_localtime_r(seconds, parts)
#define printf(...) guest_print()
#define fprintf(...) guest_print()
#define vfprintf(...) guest_print()
