/*===- gradus_device.h - Where entries of a device record their work ---------------===*
 *
 * An entry whose device_type is not GRADUS_CPU takes tensors and a workspace in the memory of a device: `data` and `workspace` are device addresses. Its
 * call checks everything that can be checked without reading that memory, records work on the `gradus_device` of the context, and returns: it waits for
 * nothing, allocates nothing on the device and reads nothing back, so that what it records can be captured and replayed. What the
 * step came to, the device itself writes (gradus_device_report), when its work is done.
 *
 * A gradus_device comes from gradus_vulkan.h or gradus_cuda.h. This header says what compiled code and the makers of devices agree on.
 *
 *===----------------------------------------------------------------------------===*/

#ifndef GRADUS_DEVICE_H
#define GRADUS_DEVICE_H

#include "gradus.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A device address: CUdeviceptr, VkDeviceAddress. 0 is none. A tensor carries it in `data`. */
typedef uint64_t gradus_address;

/** The address as gradus_tensor.data and the argument `workspace` carry it, and back. */
static inline void *gradus_to_pointer(gradus_address address) { return (void *)(uintptr_t)address; }
static inline gradus_address gradus_to_address(const void *pointer) { return (gradus_address)(uintptr_t)pointer; }

/*===- Modules: the kernels of an artifact ----------------------------------------===*/

/** What code is written in. */
typedef enum gradus_image_kind {
  GRADUS_IMAGE_SPIRV = 1, /**< words of 32 bits, aligned to 4; codegen/gpu/Spirv.h says what its specialization constants are */
  GRADUS_IMAGE_PTX = 2,   /**< text; the NUL at its end counts in `size` */
  GRADUS_IMAGE_CUBIN = 3
} gradus_image_kind;

/** The kernels of a module in one form. */
typedef struct gradus_device_image {
  int32_t kind;         /**< gradus_image_kind */
  int32_t architecture; /**< of PTX the least that it needs, of a cubin the one that it is for: 80, 90; else 0 */
  const void *bytes;
  size_t size; /**< in bytes */
} gradus_device_image;

/**
 * The kernels of an entry: constant data of an artifact. A device loads it once, at its first dispatch, and knows it again by `content`.
 *
 * A kernel has groups of 256 threads along one axis and three arguments of 64 bits: `frame`, a device address; `argument`, which is free; and `first`. It is
 * the group `first` + its own number: a dispatch of more groups than the device takes at once is cut, and each piece is told where it begins.
 * Nothing else is bound: all memory is reached by address. SPIR-V has the three as push constants, in this order, from offset 0 on; and the
 * specialization constant 0, a bool, says whether GLSL.std.450 Fma rounds once.
 */
typedef struct gradus_device_module {
  uint64_t content; /**< a hash of the images: equal ones have equal kernels */
  int32_t n_images;
  int32_t n_kernels;
  const gradus_device_image *images; /**< the device takes the one that fits it best */
  const char *const *kernels;        /**< the names of the entry points, the same in all images */
} gradus_device_module;

/*===- Products of matrices -------------------------------------------------------===*/

/**
 * Y = A B for `count` pairs of matrices, A [rows, inner] and B [inner, columns], no size 0, all elements of Y. What stands behind an operand are the elements from
 * one of its rows, from one of its columns and from one matrix to the next (0: all pairs have the same one); Y lies in rows.
 */
typedef struct gradus_device_product {
  int32_t dtype;  /**< of A and B: GRADUS_F64, GRADUS_F32, GRADUS_BF16 or GRADUS_F16 */
  int32_t result; /**< of Y, and of the sums at least: GRADUS_F64 for GRADUS_F64, else GRADUS_F32 */
  int64_t count, rows, columns, inner;
  gradus_address a;
  int64_t a_row, a_column, a_next;
  gradus_address b;
  int64_t b_row, b_column, b_next;
  gradus_address y;
  int64_t y_row, y_next;
} gradus_device_product;

/** What the hook `product` gives for what it leaves to kernels. */
enum { GRADUS_DECLINED = -1 };

/*===- Devices --------------------------------------------------------------------===*/

/**
 * Where a call records. The hooks give 0, or a gradus_status, which ends the call; what was recorded before stays recorded. Everything that is
 * recorded runs after what was recorded before it, and sees what that has written. One thread at a time uses an object.
 */
typedef struct gradus_device {
  void *user;   /**< passed to the hooks */
  int32_t type; /**< gradus_device_type; tensors must have the same */
  int32_t id;   /**< gradus_tensor.device_id of the tensors */
  /**
   * `bytes` bytes, a multiple of 4, go from the host to the address `to`, a multiple of 4. They are copied while the hook runs: `from` may change after.
   * Neighbouring updates in a row may be joined.
   */
  int32_t (*update)(void *user, gradus_address to, const void *from, size_t bytes);
  /** Runs kernel number `kernel` of the module in `groups` groups; 0 groups are no work. The module and what it points to live as long as the device. */
  int32_t (*dispatch)(void *user, const gradus_device_module *module, int32_t kernel, uint64_t groups, gradus_address frame, uint64_t argument);
  /** Host memory of the object, aligned to 16, for the checks of a call with many tensors; it lasts until the next call of the hook. Null: there is no memory. */
  void *(*scratch)(void *user, size_t bytes);
  /** Why the last hook that failed did: a clause for the message of the call. It lasts until the next call of a hook. Null, or a null hook: nothing is known. */
  const char *(*reason)(void *user);
  /**
   * 0, or the address, a multiple of 8, of what replaces the numbers of the call: t and the seed, uint64_t each, then the hyper-parameters, doubles. They are read
   * when the work runs; those of the call are checked all the same. So a captured step is replayed with other numbers.
   */
  gradus_address values;
  /** 0, or the address, a multiple of 8, of a gradus_device_report, which the step writes. */
  gradus_address report;
  /** Ends a call: what is held back to be joined is recorded. Null: nothing is held back. */
  int32_t (*finish)(void *user);
  /**
   * 0, or after how many iterations, those of all its loops together, the device ends the loops of a thread without an error. A call of which kernels need more is
   * refused (GRADUS_ERROR_DEVICE) before anything is recorded; where only the data shows it, the report of the device has that status.
   */
  uint64_t longest_loop;
  /**
   * Records a product of matrices, by a library that the device has for them, or gives GRADUS_DECLINED: then kernels compute it, and Y may be anything. Null: kernels
   * compute all of them. What is recorded here does not know whether the step is refused; so only what may be written all the same is asked for: what lies in the
   * workspace, or where the data cannot have refused the step before.
   */
  int32_t (*product)(void *user, const gradus_device_product *product);
  /** `product` is asked where its calls have so many multiplications each, on the average over those that one product of the entry takes. */
  double least_product;
} gradus_device;

/**
 * What a step came to, in device memory. `status` is GRADUS_OK, or why nothing has moved: GRADUS_ERROR_NONFINITE or GRADUS_ERROR_INDEX, the errors that
 * the data alone shows and that a call on the CPU returns; or GRADUS_ERROR_DEVICE: the device has ended loops of a kernel (gradus_device.longest_loop), and what
 * the call has written until then is wrong. Read it after the work is done; gradus_device_result makes sentences of it.
 */
typedef struct gradus_device_report {
  double value;      /**< the loss, as gradus_report.value; of GRADUS_ERROR_INDEX the index, or NaN */
  uint64_t t;        /**< the step that was committed, or refused */
  int32_t committed; /**< 1 if everything moved, 0 if nothing did */
  int32_t status;    /**< gradus_status */
  uint64_t slot;     /**< of a refused step the slot of the argument */
  int64_t element;   /**< of a refused step the first element that is not finite, in row-major order, or -1 where it is not known */
  int32_t what;      /**< of a refused step the text of gradus_entry.guards that says what is not finite, or -1 */
  int32_t argument;  /**< of a refused step 1 + the number of the argument concerned, plus 2^16 (1 + its axis) where that is known; else 0 */
} gradus_device_report;

/**
 * What a call of the entry would have returned, reported and said, had it waited: `from` is a copy of what the device wrote. `report` may be null.
 */
gradus_status gradus_device_result(const gradus_entry *entry, const gradus_context *context, const gradus_device_report *from, gradus_report *report);
/** A name for people: "Vulkan". */
const char *gradus_device_type_name(int32_t type);

#ifdef __cplusplus
}
#endif

#endif /* GRADUS_DEVICE_H */
