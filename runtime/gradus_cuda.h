/*===- gradus_cuda.h - Devices of CUDA's driver --------------------------------------===*
 *
 * An archive of its own, `Gradus::cuda`. The driver (libcuda.so.1) is opened at run time: nothing of it is linked, and a program that has this archive runs
 * where there is none. Objects here are made by malloc and freed by the caller; a step itself allocates nothing and waits for nothing.
 *
 *===----------------------------------------------------------------------------===*/

#ifndef GRADUS_CUDA_H
#define GRADUS_CUDA_H

#include "gradus_device.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The driver with one CUcontext, and the modules loaded there, each once. Any number of threads may use it. */
typedef struct gradus_cuda gradus_cuda;
/** A CUstream that entries record their work in. For one thread at a time. */
typedef struct gradus_cuda_queue gradus_cuda_queue;

/**
 * Opens the driver. `ordinal` is the number of a device; -1: that of the context which is current in this thread, or else 0. Where the current context is of
 * that device it is used, as by an application that calls the driver itself; else the device's primary context, which is also that of the CUDA runtime.
 * `library` names the driver, null: libcuda.so.1. `context` may be null; its error sink is told why this or a later function failed, from the thread that
 * calls. *cuda is null on failure: GRADUS_ERROR_DEVICE.
 */
gradus_status gradus_cuda_open(const gradus_context *context, const char *library, int32_t ordinal, gradus_cuda **cuda);
/** After everything that was recorded has run. The queues are closed before. Null does nothing. */
void gradus_cuda_close(gradus_cuda *cuda);
/** The compute capability: 90 for 9.0. */
int32_t gradus_cuda_architecture(const gradus_cuda *cuda);
/** The name of the device. Lives as long as `cuda`. */
const char *gradus_cuda_name(const gradus_cuda *cuda);

/**
 * A queue on the caller's CUstream (null: the default stream of the context). Whatever the queue does, the context that was current in the thread is so
 * again when it returns. Fails where there is no memory for it.
 */
gradus_status gradus_cuda_queue_open(gradus_cuda *cuda, void *stream, gradus_cuda_queue **queue);
/** Of a queue that has used cuBLAS it waits for the whole device, and must not be called while a stream of the context is captured: cublasDestroy does so. */
void gradus_cuda_queue_close(gradus_cuda_queue *queue);
/** From the next call on work goes to another CUstream of the same context. */
gradus_status gradus_cuda_queue_use(gradus_cuda_queue *queue, void *stream);
/**
 * What goes into gradus_context.device. The caller may set its `report`. Its hooks return when the work is recorded; what fails while it runs, such as an
 * access outside of memory, is CUDA's asynchronous error: a later call of anything in the context returns GRADUS_ERROR_DEVICE and says CUDA's name of it.
 */
gradus_device *gradus_cuda_queue_device(gradus_cuda_queue *queue);

/*
 * Products of matrices by cuBLAS, where an application asks for it: compiled kernels have the bits of the CPU, cuBLAS has its own, which are others on other
 * devices and in other versions of it. It is opened at run time like the driver.
 */

/** What cuBLAS may do; bits. */
typedef enum gradus_cuda_blas_flag {
  GRADUS_CUDA_BLAS_TF32 = 1 /**< round the elements of f32 to 10 bits before it multiplies them (tensor cores); else no element is rounded */
} gradus_cuda_blas_flag;

/** Bytes of a workspace in which cuBLAS can choose freely on any device, and the least that it takes. */
#define GRADUS_CUDA_BLAS_WORKSPACE ((size_t)32 << 20)
#define GRADUS_CUDA_BLAS_LEAST_WORKSPACE ((size_t)16 << 10)

/**
 * From the next call on cuBLAS is asked for products of matrices that are not small (gradus_device.product): sums in f64 for f64, else in f32 at least. It works in
 * `workspace`, which the caller owns, at a multiple of 256 and for no other queue: so a step allocates nothing, and a graph can record it. It must live until all that was
 * recorded with it has run, replays of graphs too, and what uses it on several streams or in several graphs is for the caller to put in order. `flags` are of
 * gradus_cuda_blas_flag. `library` names cuBLAS; null: the one that the process has loaded, or libcublas.so.13, .12 or .11. Not while a stream is captured. The address 0 ends it.
 * Where it fails, kernels multiply: GRADUS_ERROR_DEVICE where cuBLAS is not here or does not start, GRADUS_ERROR_WORKSPACE, GRADUS_ERROR_INTERVAL of unknown flags.
 */
gradus_status gradus_cuda_queue_use_blas(gradus_cuda_queue *queue, const char *library, int32_t flags, gradus_address workspace, size_t workspace_bytes);
/** How many products the queue has given to cuBLAS; those of a batch count as one. */
uint64_t gradus_cuda_queue_products(const gradus_cuda_queue *queue);

/** How many kernels the queue has launched, those that write arguments not counted. */
uint64_t gradus_cuda_queue_dispatches(const gradus_cuda_queue *queue);

/**
 * Loads the kernels of an entry (gradus_entry.module), which the first call would do: the cubin of exactly this device, or else PTX, which the driver compiles.
 * For an application that times its first call.
 */
gradus_status gradus_cuda_load(gradus_cuda *cuda, const gradus_device_module *module);

/*
 * Conveniences, for who has no memory manager of his own. Copies go through the stream of the queue, behind what is recorded there; `write` returns when the
 * bytes at `from` may change, `read` when they have arrived.
 */
/** The address is a multiple of 256. 0 bytes give the address 0. */
gradus_status gradus_cuda_allocate(gradus_cuda *cuda, size_t bytes, gradus_address *address);
/** Gives it back, after everything that uses it has run. 0 is taken. */
gradus_status gradus_cuda_release(gradus_cuda *cuda, gradus_address address);
gradus_status gradus_cuda_write(gradus_cuda_queue *queue, gradus_address to, const void *from, size_t bytes);
gradus_status gradus_cuda_read(gradus_cuda_queue *queue, void *to, gradus_address from, size_t bytes);
/** Waits until everything that was recorded has run. */
gradus_status gradus_cuda_wait(gradus_cuda_queue *queue);

#ifdef __cplusplus
}
#endif

#endif /* GRADUS_CUDA_H */
