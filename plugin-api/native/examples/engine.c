/*
 * A whole inference engine in C: its models are tables of thresholds, their output is a mask.
 *
 * A model is a text file such as `thresholds -500 40 300`, with numbers that rise. The mask says for each value of the
 * image how many of them it reaches: 0 air, 1 soft tissue, ... Beside it stands engine.rs, which is the same in Rust.
 *
 *     cc -std=c11 -O2 -Wall -Wextra -fPIC -fvisibility=hidden -shared -I.. -o libthresholds.so engine.c
 */
#include "isocenter_native.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 255 };

struct isocenter_model {
    int16_t thresholds[MOST];
    size_t count;
};

/* What `owner` of the outputs points to. */
struct given {
    isocenter_tensor mask;
    int64_t shape[2];
    uint8_t values[];
};

#define TEXT(literal) { literal, sizeof(literal) - 1 }

static const int64_t any_image[2] = {-1, -1};
static const isocenter_port image_port = {TEXT("image"), any_image, 2, ISOCENTER_INT16, 0};
static const isocenter_port mask_port = {TEXT("mask"), any_image, 2, ISOCENTER_UINT8, 0};

static int32_t fail(int32_t code, isocenter_error *error, const char *sentence) {
    size_t len = strlen(sentence);
    if (len > error->capacity) len = error->capacity;
    memcpy(error->data, sentence, len);
    error->len = len;
    return code;
}

static int32_t describe(isocenter_description *description, isocenter_error *error) {
    (void)error;
    *description = (isocenter_description){TEXT("thresholds"), TEXT("1.0.0")};
    return ISOCENTER_OK;
}

/* Reads the thresholds of a text. NULL if it was one, otherwise what is wrong with it. */
static const char *parse(const char *text, isocenter_model *model) {
    static const char word[] = "thresholds";
    const char *at = text + sizeof word - 1;
    if (strncmp(text, word, sizeof word - 1) != 0) return "the file does not begin with \"thresholds\"";
    for (;;) {
        char *end;
        long value;
        at += strspn(at, " \t\r\n");
        if (*at == 0) break;
        value = strtol(at, &end, 10);
        if (end == at || value < INT16_MIN || value > INT16_MAX)
            return "a threshold is no number from -32768 to 32767";
        if (model->count == MOST || (model->count > 0 && value <= model->thresholds[model->count - 1]))
            return "1 to 255 thresholds are wanted, each above the one before it";
        model->thresholds[model->count++] = (int16_t)value;
        at = end;
    }
    return model->count > 0 ? NULL : "1 to 255 thresholds are wanted, each above the one before it";
}

static int32_t open_model(const uint8_t *bytes, size_t len, isocenter_model **opened, isocenter_error *error) {
    char text[4096];
    const char *wrong;
    isocenter_model *model;
    if (len >= sizeof text) return fail(ISOCENTER_BAD_MODEL, error, "the file has more than 4095 bytes");
    if (len > 0) memcpy(text, bytes, len);
    text[len] = 0;
    model = calloc(1, sizeof *model);
    if (model == NULL) return ISOCENTER_OUT_OF_MEMORY;
    wrong = parse(text, model);
    if (wrong != NULL) {
        free(model);
        return fail(ISOCENTER_BAD_MODEL, error, wrong);
    }
    *opened = model;
    return ISOCENTER_OK;
}

static int32_t ports(const isocenter_model *model, isocenter_ports *ports, isocenter_error *error) {
    (void)model, (void)error;
    *ports = (isocenter_ports){&image_port, 1, &mask_port, 1};
    return ISOCENTER_OK;
}

static int32_t run(const isocenter_model *model, const isocenter_tensor *inputs, size_t input_count,
                   const uint32_t *stop, isocenter_outputs *outputs, isocenter_error *error) {
    const int16_t *values;
    struct given *given;
    size_t count;
    if (input_count != 1) return fail(ISOCENTER_BAD_INPUT, error, "one input is wanted: image");
    values = inputs[0].data;
    count = inputs[0].len / sizeof *values;
    given = malloc(sizeof *given + count);
    if (given == NULL) return ISOCENTER_OUT_OF_MEMORY;
    for (size_t i = 0; i < count; i++) {
        uint8_t reached = 0;
        /* Now and then, so that a run that nobody waits for ends soon. */
        if (i % 4096 == 0 && __atomic_load_n(stop, __ATOMIC_RELAXED) != 0) {
            free(given);
            return ISOCENTER_STOPPED;
        }
        for (size_t t = 0; t < model->count; t++) reached += values[i] >= model->thresholds[t];
        given->values[i] = reached;
    }
    memcpy(given->shape, inputs[0].shape, sizeof given->shape);
    given->mask = (isocenter_tensor){TEXT("mask"), given->shape, 2, given->values, count, ISOCENTER_UINT8, 0};
    *outputs = (isocenter_outputs){&given->mask, 1, given};
    return ISOCENTER_OK;
}

static int32_t release(isocenter_outputs *outputs) {
    free(outputs->owner);
    return ISOCENTER_OK;
}

static int32_t close_model(isocenter_model *model) {
    free(model);
    return ISOCENTER_OK;
}

static const isocenter_inference table = {
    {ISOCENTER_NATIVE_ABI, sizeof(isocenter_inference), ISOCENTER_KIND_INFERENCE, 0},
    describe, open_model, ports, run, release, close_model,
};

__attribute__((visibility("default"))) const isocenter_table *isocenter_native_v1(void) {
    return &table.head;
}
