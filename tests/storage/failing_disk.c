/* A disk that fails on demand, for a program that is started with this in LD_PRELOAD: what it writes to databases and
   their logs, makes last or reads is refused as the file that FAILING_DISK names says. See tests/storage/failing_disk.py. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct control {
    int32_t left;    /* calls until the first that fails; negative: none does */
    int32_t error;   /* its errno */
    int32_t lasting; /* all after it fail, too */
    int32_t failed;  /* how many did */
};

static struct control *control;

__attribute__((constructor)) static void open_control(void)
{
    const char *path = getenv("FAILING_DISK");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *mapped = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (file >= 0)
        close(file);
    if (mapped != MAP_FAILED)
        control = mapped;
}

/* `writes` says whether the call can find a disk full; others fail for any other reason alone. */
static int fails(int fd, int writes)
{
    char link[64], path[4096];
    if (!control || control->left < 0 || (control->error == ENOSPC && !writes))
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0)
        return 0;
    path[size] = 0;
    const char *name = strrchr(path, '/');
    if (!name || !strstr(name, ".db"))
        return 0;
    if (control->left > 0) {
        control->left--;
        return 0;
    }
    if (!control->lasting)
        control->left = -1;
    control->failed++;
    errno = control->error;
    return 1;
}

#define REAL(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    return fails(fd, 1) ? -1 : REAL(pwrite64)(fd, data, size, offset);
}

ssize_t pread64(int fd, void *data, size_t size, off64_t offset)
{
    return fails(fd, 0) ? -1 : REAL(pread64)(fd, data, size, offset);
}

int fsync(int fd)
{
    return fails(fd, 0) ? -1 : REAL(fsync)(fd);
}

int fdatasync(int fd)
{
    return fails(fd, 0) ? -1 : REAL(fdatasync)(fd);
}

int ftruncate64(int fd, off64_t size)
{
    return fails(fd, 1) ? -1 : REAL(ftruncate64)(fd, size);
}
