/*
 * isocenter_native.h: the contract between Isocenter and a native plugin, version 1.
 *
 * A native plugin is a shared library that the host loads into its own process. It exports one symbol,
 * isocenter_native_v1, which answers a table of functions. The one kind in this version is an inference engine: it is
 * given models and tensors as bytes and gives tensors back.
 *
 * Rules for every function of the table:
 *   - It returns a code. ISOCENTER_OK is 0; with any other code nothing is handed out, and the engine may have written
 *     a sentence into `error`.
 *   - Nothing unwinds out of it (C++ exceptions, Rust panics, longjmp), and it does not end the process.
 *   - It may be called from any thread, also from several at once with the same model, except that release and close
 *     are called once for what they end, and close when no other call with that model is under way.
 *   - What a pointer parameter points to is the host's and is valid until the function returns, unless said otherwise.
 *   - A (pointer, length) pair of length 0 may have any pointer, also NULL.
 *   - Text is UTF-8 and does not end in a zero. Numbers have the byte order of the machine.
 *   - Values of tensors are patient data: they do not belong into a sentence, a file or a log.
 * An engine opens no files: what it needs is given to it.
 */
#ifndef ISOCENTER_NATIVE_H
#define ISOCENTER_NATIVE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this contract. Another number is another contract, and the host refuses the library. */
#define ISOCENTER_NATIVE_ABI 1u

/* Kinds of native plugins: which table follows the head. */
#define ISOCENTER_KIND_INFERENCE 1u

/* What a function returns. */
#define ISOCENTER_OK 0
/* open: the bytes are no model, or one that this engine cannot run. */
#define ISOCENTER_BAD_MODEL 1
/* run: the inputs do not fit the model or each other. */
#define ISOCENTER_BAD_INPUT 2
/* The memory that is needed cannot be had. */
#define ISOCENTER_OUT_OF_MEMORY 3
/* run: ended early, because `stop` was set. */
#define ISOCENTER_STOPPED 4
/* Anything else. */
#define ISOCENTER_FAILED 5

/* Element types of tensors. */
#define ISOCENTER_UINT8 1u
#define ISOCENTER_INT16 2u
#define ISOCENTER_INT64 3u
#define ISOCENTER_FLOAT16 4u
#define ISOCENTER_FLOAT32 5u

/* Text: UTF-8, without a zero at its end. */
typedef struct isocenter_text {
    const char *data;
    size_t len;
} isocenter_text;

/* The caller's room for one sentence. The engine writes at most `capacity` bytes and says in `len` how many; the
 * caller has set `len` to 0. */
typedef struct isocenter_error {
    char *data;
    size_t capacity;
    size_t len;
} isocenter_error;

/* Who the engine is. The texts stay valid for as long as the process runs. */
typedef struct isocenter_description {
    isocenter_text name;
    isocenter_text version;
} isocenter_description;

/* One input or output of a model. */
typedef struct isocenter_port {
    isocenter_text name;
    /* Elements along each dimension, the slowest first; -1: any number. */
    const int64_t *shape;
    size_t rank;
    uint32_t element;
    uint32_t reserved; /* 0 */
} isocenter_port;

/* All inputs and outputs of a model. The arrays are the model's and stay valid until it is closed. */
typedef struct isocenter_ports {
    const isocenter_port *inputs;
    size_t input_count;
    const isocenter_port *outputs;
    size_t output_count;
} isocenter_ports;

/* A tensor: dense, the last dimension contiguous. */
typedef struct isocenter_tensor {
    /* The name of the input or output that it is for. */
    isocenter_text name;
    const int64_t *shape;
    size_t rank;
    /* The elements. The data of inputs is aligned to 16 bytes; that of outputs need not be aligned. */
    const void *data;
    /* In bytes: the product of the shape times the size of an element. */
    size_t len;
    uint32_t element;
    uint32_t reserved; /* 0 */
} isocenter_tensor;

/* What a run gave: one tensor for each output of the model, in any order. All of it is the engine's, and valid until
 * released. */
typedef struct isocenter_outputs {
    const isocenter_tensor *tensors;
    size_t count;
    void *owner; /* for the engine's own use in release */
} isocenter_outputs;

/* An opened model. Only the engine knows what is in it. */
typedef struct isocenter_model isocenter_model;

/* How every table begins, in this version of the contract and in all others. */
typedef struct isocenter_table {
    uint32_t abi;      /* ISOCENTER_NATIVE_ABI */
    uint32_t size;     /* sizeof the whole table, so that later tables of the same abi may be longer */
    uint32_t kind;     /* ISOCENTER_KIND_… */
    uint32_t reserved; /* 0 */
} isocenter_table;

/* The table of an inference engine. No function is NULL. */
typedef struct isocenter_inference {
    isocenter_table head;

    /* Who the engine is. */
    int32_t (*describe)(isocenter_description *description, isocenter_error *error);

    /* Makes a model of the bytes of a file. The bytes are valid during this call alone. On success *opened is not
     * NULL. */
    int32_t (*open)(const uint8_t *bytes, size_t len, isocenter_model **opened, isocenter_error *error);

    /* The inputs and outputs of a model. */
    int32_t (*ports)(const isocenter_model *model, isocenter_ports *ports, isocenter_error *error);

    /* Runs a model. The host gives every input once, with the element type and rank of its port, with a shape that its
     * port allows, without a dimension of 0, and with the length that follows from the shape.
     * *stop becomes other than 0 when nobody waits for the answer any more: a run that takes long looks at it now and
     * then (an atomic load; relaxed suffices) and returns ISOCENTER_STOPPED. */
    int32_t (*run)(const isocenter_model *model, const isocenter_tensor *inputs, size_t input_count,
                   const uint32_t *stop, isocenter_outputs *outputs, isocenter_error *error);

    /* Frees what a successful run gave. */
    int32_t (*release)(isocenter_outputs *outputs);

    /* Frees a model. */
    int32_t (*close)(isocenter_model *model);
} isocenter_inference;

/* The one exported symbol. The table that it points to stays valid and unchanged for as long as the process runs. */
const isocenter_table *isocenter_native_v1(void);

#ifdef __cplusplus
}
#endif

#endif
