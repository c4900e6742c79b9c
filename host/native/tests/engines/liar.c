/*
 * An engine that breaks the contract, in the way that it is compiled for: -DABI=2, -DNULL_WITH_SUCCESS and so on.
 * Without one it is a good engine whose models answer one tensor of three bytes.
 */
#define _POSIX_C_SOURCE 200809L
#include "isocenter_native.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#ifndef ABI
#define ABI ISOCENTER_NATIVE_ABI
#endif
#ifndef SIZE
#define SIZE sizeof(isocenter_inference)
#endif
#ifndef KIND
#define KIND ISOCENTER_KIND_INFERENCE
#endif
#ifndef LEN
#define LEN 3
#endif
#ifndef NAME
#define NAME "liar"
#endif
#ifndef RUN
#define RUN run
#endif

#define TEXT(literal) { literal, sizeof(literal) - 1 }

struct isocenter_model {
    int unused;
};

static const int64_t three[1] = {3};
static const isocenter_port in = {TEXT("in"), three, 1, ISOCENTER_UINT8, 0};
static const isocenter_port out = {TEXT("out"), three, 1, ISOCENTER_UINT8, 0};
static isocenter_model the_model;
static const uint8_t bytes[3] = {7, 8, 9};
static const isocenter_tensor given = {TEXT("out"), three, 1, bytes, LEN, ISOCENTER_UINT8, 0};

/* Leaves a byte in a file. */
static void leave_byte(const char *path) {
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (write(file, "x", 1) != 1) _exit(1);
    close(file);
}

#ifdef LOADED
__attribute__((constructor)) static void loaded(void) {
    leave_byte(LOADED);
}
#endif

static int32_t fail(int32_t code, isocenter_error *error, const char *sentence) {
    error->len = strlen(sentence);
    if (error->len > error->capacity) error->len = error->capacity;
    memcpy(error->data, sentence, error->len);
    return code;
}

static int32_t describe(isocenter_description *description, isocenter_error *error) {
    *description = (isocenter_description){TEXT(NAME), TEXT("0")};
    return ISOCENTER_OK;
}

static int32_t open_model(const uint8_t *at, size_t len, isocenter_model **opened, isocenter_error *error) {
#ifdef NO_MODEL
    *opened = NULL;
#else
    *opened = &the_model;
#endif
    return ISOCENTER_OK;
}

static int32_t ports(const isocenter_model *model, isocenter_ports *ports, isocenter_error *error) {
    *ports = (isocenter_ports){&in, 1, &out, 1};
#ifdef NO_PORTS
    ports->inputs = NULL;
#endif
    return ISOCENTER_OK;
}

static int32_t run(const isocenter_model *model, const isocenter_tensor *inputs, size_t count, const uint32_t *stop,
                   isocenter_outputs *outputs, isocenter_error *error) {
#if defined(RUN_ERROR)
    return fail(RUN_ERROR, error, "the engine says no");
#elif defined(SILENT_ERROR)
    return 77;
#elif defined(LONG_ERROR)
    memset(error->data, 'x', error->capacity);
    error->len = (size_t)-1;
    return ISOCENTER_FAILED;
#elif defined(NULL_WITH_SUCCESS)
    *outputs = (isocenter_outputs){NULL, 1, NULL};
#elif defined(NOTHING_WITH_SUCCESS)
    /* and so it says nothing */
#elif defined(HANG)
    for (;;) pause();
#elif defined(SLOW)
    while (__atomic_load_n(stop, __ATOMIC_RELAXED) == 0) {}
    return ISOCENTER_STOPPED;
#elif defined(BAD_RELEASE)
    *outputs = (isocenter_outputs){&given, 1, &the_model};
#else
    *outputs = (isocenter_outputs){&given, 1, NULL};
#endif
    return ISOCENTER_OK;
}

static int32_t release(isocenter_outputs *outputs) {
    return outputs->owner == NULL ? ISOCENTER_OK : ISOCENTER_FAILED;
}

static int32_t close_model(isocenter_model *model) {
#ifdef CLOSED
    leave_byte(CLOSED);
#endif
    return ISOCENTER_OK;
}

static const isocenter_inference table = {
    {ABI, SIZE, KIND, 0}, describe, open_model, ports, RUN, release, close_model,
};

#ifdef NO_ENTRY
const isocenter_table *isocenter_native_v0(void) {
#else
const isocenter_table *isocenter_native_v1(void) {
#endif
#ifdef NO_TABLE
    return NULL;
#else
    return &table.head;
#endif
}
