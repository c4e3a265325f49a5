/* Preloaded into the program under test: what a power cut leaves of its files, and a clock that jumps.

   FAULTS_KEPT is a folder: whenever the program has synced a file, a copy of it goes there, so that the folder holds
   what is surely on the disk. FAULTS_CLOCK is a file with a double: seconds by which the wall clock is wrong. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const double *wrong;

__attribute__((constructor)) static void begin(void) {
    const char *file = getenv("FAULTS_CLOCK");
    int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *place = mmap(NULL, sizeof *wrong, PROT_READ, MAP_SHARED, fd, 0);
    if (place != MAP_FAILED) wrong = place;
    close(fd);
}

static void keep(int fd) {
    const char *folder = getenv("FAULTS_KEPT");
    char link[64], path[PATH_MAX], fresh[PATH_MAX + 64], target[PATH_MAX + 64], data[65536];
    struct stat info;
    if (!folder || fstat(fd, &info) || !S_ISREG(info.st_mode)) return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return;
    path[size] = 0;
    const char *name = strrchr(path, '/');
    if (!name || strncmp(name, "/outbox", 7)) return;
    snprintf(fresh, sizeof fresh, "%s%s.fresh", folder, name);
    snprintf(target, sizeof target, "%s%s", folder, name);
    int from = open(path, O_RDONLY | O_CLOEXEC), to = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t got = -1;
    if (from >= 0 && to >= 0)
        while ((got = read(from, data, sizeof data)) > 0)
            if (write(to, data, got) != got) { got = -1; break; }
    if (from >= 0) close(from);
    if (to >= 0) close(to);
    /* A kill before this line leaves the older copy; nobody was told yet that the newer one is synced. */
    if (got == 0) rename(fresh, target);
}

#define SYNC(name)                                                                                                    \
    int name(int fd) {                                                                                                \
        static int (*real)(int);                                                                                      \
        if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, #name);                                                      \
        int result = real(fd);                                                                                        \
        if (!result) keep(fd);                                                                                        \
        return result;                                                                                                \
    }

SYNC(fsync)
SYNC(fdatasync)

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (!result && wrong && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += (time_t)*wrong;
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec fine;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &fine)) return -1;
    now->tv_sec = fine.tv_sec;
    now->tv_usec = fine.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *target) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    if (target) *target = now.tv_sec;
    return now.tv_sec;
}
