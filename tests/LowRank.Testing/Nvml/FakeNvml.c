/* A driver's library of management functions with three GPUs of known values, for tests: one that tells everything, one that supports little, one that is lost.
   -DOLD leaves out what drivers before 450 do not have, -DUNLOADED is a library without its driver. Structures and codes are those of NVML's public header. */
#include <string.h>

enum { SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, INSUFFICIENT_SIZE = 7, DRIVER_NOT_LOADED = 9, GPU_IS_LOST = 15, VERSION_MISMATCH = 25 };
enum { MIB = 1 << 20, PROCESSES = 40 };

typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { unsigned int version; unsigned long long total, reserved, free, used; } Memory2;
typedef struct { unsigned int gpu, memory; } Utilization;
typedef struct { char legacy[16]; unsigned int domain, bus, device, id, subsystem; char busId[32]; } Pci;
typedef struct { unsigned int pid; unsigned long long used; } Process1;
typedef struct { unsigned int pid; unsigned long long used; unsigned int gpuInstance, computeInstance; } Process;

static int devices[2] = { 0, 1 };
static int started;

#ifdef UNLOADED
int nvmlInit_v2(void) { return DRIVER_NOT_LOADED; }
#else
int nvmlInit_v2(void) { started = 1; return SUCCESS; }
#endif
int nvmlShutdown(void) { started = 0; return SUCCESS; }

int nvmlDeviceGetCount_v2(unsigned int *count) { if (!started) return INVALID_ARGUMENT; *count = 3; return SUCCESS; }

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, int **device) {
    if (index > 1) return GPU_IS_LOST;
    *device = &devices[index];
    return SUCCESS;
}

int nvmlDeviceGetName(int *device, char *name, unsigned int length) {
    const char *of = *device ? "Tesla K80" : "NVIDIA H200";
    if (strlen(of) >= length) return INSUFFICIENT_SIZE;
    strcpy(name, of);
    return SUCCESS;
}

int nvmlDeviceGetMemoryInfo(int *device, Memory *m) {
    m->total = *device ? 11441ULL * MIB : 143771ULL * MIB;
    /* The first version counts what the driver keeps as used. */
    m->used = *device ? 100ULL * MIB : 120500ULL * MIB;
    m->free = m->total - m->used;
    return SUCCESS;
}

int nvmlDeviceGetTemperature(int *device, int sensor, unsigned int *degrees) {
    if (sensor != 0) return INVALID_ARGUMENT;
    if (*device) return NOT_SUPPORTED;
    *degrees = 61;
    return SUCCESS;
}

int nvmlDeviceGetUtilizationRates(int *device, Utilization *u) {
    if (*device) return NOT_SUPPORTED;
    u->gpu = 97;
    u->memory = 44;
    return SUCCESS;
}

int nvmlDeviceGetPowerUsage(int *device, unsigned int *milliwatts) { if (*device) return NOT_SUPPORTED; *milliwatts = 612345; return SUCCESS; }

#ifdef OLD
int nvmlDeviceGetComputeRunningProcesses(int *device, unsigned int *count, Process1 *list) {
    if (*device) return NOT_SUPPORTED;
    if (*count < 2) { *count = 2; return INSUFFICIENT_SIZE; }
    *count = 2;
    list[0].pid = 41; list[0].used = 7ULL * MIB;
    list[1].pid = 42; list[1].used = ~0ULL;
    return SUCCESS;
}
#else
int nvmlDeviceGetMemoryInfo_v2(int *device, Memory2 *m) {
    if (m->version != (sizeof(Memory2) | 2u << 24)) return VERSION_MISMATCH;
    if (*device) return NOT_SUPPORTED;
    m->total = 143771ULL * MIB;
    m->reserved = 500ULL * MIB;
    m->used = 120000ULL * MIB;
    m->free = m->total - m->reserved - m->used;
    return SUCCESS;
}

int nvmlDeviceGetPciInfo_v3(int *device, Pci *pci) {
    memset(pci, 0, sizeof *pci);
    strcpy(pci->legacy, *device ? "0000:3D:00.0" : "0000:1B:00.0");
    strcpy(pci->busId, *device ? "00000000:3D:00.0" : "00000000:1B:00.0");
    return SUCCESS;
}

int nvmlDeviceGetEnforcedPowerLimit(int *device, unsigned int *milliwatts) { if (*device) return NOT_SUPPORTED; *milliwatts = 700000; return SUCCESS; }
int nvmlDeviceGetFanSpeed(int *device, unsigned int *percent) { if (!*device) return NOT_SUPPORTED; *percent = 35; return SUCCESS; }

int nvmlDeviceGetComputeRunningProcesses_v3(int *device, unsigned int *count, Process *list) {
    unsigned int i, room = *count;
    if (*device) return NOT_SUPPORTED;
    *count = PROCESSES;
    if (room < PROCESSES) return INSUFFICIENT_SIZE;
    for (i = 0; i < PROCESSES; i++) {
        list[i].pid = 1000 + i;
        list[i].used = i ? (unsigned long long)i * MIB : ~0ULL;
        list[i].gpuInstance = list[i].computeInstance = ~0u;
    }
    return SUCCESS;
}
#endif
