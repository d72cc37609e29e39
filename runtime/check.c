/*===- check.c - Types, shapes and pointers of a call ------------------------------===*
 *
 * Symbols of a shape are bound slot by slot: the first argument that has a symbol fixes its size, the later ones must agree. Formulas
 * of symbols follow when all else is bound: one with a single unknown symbol tells its size, then all of them must be sizes, and the
 * sizes of the arguments.
 *
 *===----------------------------------------------------------------------------===*/

#include "runtime/internal.h"

#include <string.h>

/* Who fixed a symbol in this slot: an argument, or -1 for nobody yet. */
typedef struct binding {
  int64_t size;
  int32_t argument;
} binding;

static gradus_place placeOf(size_t slot, int32_t argument, int32_t dimension) {
  gradus_place place;
  place.slot = slot;
  place.argument = argument;
  place.dimension = dimension;
  place.element = -1;
  return place;
}

/* Finds who has the symbol among the arguments before `end`, for symbols that the table has no room for. */
static binding findBinding(const gradus_call_site *site, size_t slot, int32_t end, int32_t symbol) {
  binding found;
  int32_t k, axis;
  for (k = 0; k < end; ++k) {
    const gradus_argument *argument = &site->entry->arguments[k];
    const gradus_tensor *tensor = gradus_internal_tensor(site, slot, k);
    if (gradus_internal_is_absent(site, slot, k))
      continue;
    if (argument->rank < 0 && argument->dims[0] == symbol) {
      found.size = gradus_internal_numel(tensor);
      found.argument = k;
      return found;
    }
    for (axis = 0; axis < argument->rank; ++axis) {
      if (argument->dims[axis] == symbol) {
        found.size = tensor->dims[axis];
        found.argument = k;
        return found;
      }
    }
  }
  found.size = 0;
  found.argument = -1;
  return found;
}

/* Requires `size` for the symbol, or fixes it. Returns who disagrees, or null. */
static const char *bindSymbol(const gradus_call_site *site, size_t slot, binding *table, int32_t argument, int32_t symbol,
                              int64_t size, int64_t *expected) {
  const gradus_entry *entry = site->entry;
  binding bound = symbol < GRADUS_SYMBOL_TABLE ? table[symbol] : findBinding(site, slot, argument, symbol);
  if (bound.argument >= 0) {
    *expected = bound.size;
    return bound.size == size ? NULL : entry->arguments[bound.argument].name;
  }
  if (symbol < GRADUS_SYMBOL_TABLE) {
    table[symbol].size = size;
    table[symbol].argument = argument;
  }
  return NULL;
}

/* What can be said about a tensor without its neighbours. */
static gradus_status checkAlone(const gradus_call_site *site, size_t slot, int32_t k, const gradus_tensor *tensor) {
  const gradus_argument *argument = &site->entry->arguments[k];
  int64_t elements;
  size_t bytes;
  int32_t axis;
  if (tensor->dtype != argument->dtype)
    return gradus_internal_fail(site, GRADUS_ERROR_DTYPE, placeOf(slot, k, -1), argument->dtype, tensor->dtype,
                                gradus_dtype_size(tensor->dtype) == 0
                                    ? "the element type has the unknown code {g}, expected %s"
                                    : "the element type is {G}, expected %s",
                                gradus_dtype_name(argument->dtype));
  if (tensor->rank < 0 || tensor->rank > GRADUS_MAX_RANK)
    return gradus_internal_fail(site, GRADUS_ERROR_RANK, placeOf(slot, k, -1), GRADUS_MAX_RANK, tensor->rank,
                                "rank {g} is not in [0, {e}]", NULL);
  if (argument->rank >= 0 && tensor->rank != argument->rank)
    return gradus_internal_fail(site, GRADUS_ERROR_RANK, placeOf(slot, k, -1), argument->rank, tensor->rank,
                                "rank is {g}, expected {e}", NULL);
  if (tensor->rank > 0 && tensor->dims == NULL)
    return gradus_internal_fail(site, GRADUS_ERROR_NULL, placeOf(slot, k, -1), 0, 0, "the sizes are a null pointer", NULL);
  for (axis = 0; axis < tensor->rank; ++axis)
    if (tensor->dims[axis] < 0)
      return gradus_internal_fail(site, GRADUS_ERROR_SHAPE, placeOf(slot, k, axis), 0, (double)tensor->dims[axis],
                                  "is negative: {g}", NULL);
  if (!gradus_internal_extent(tensor, &elements, &bytes))
    return gradus_internal_fail(site, GRADUS_ERROR_OVERFLOW, placeOf(slot, k, -1), 0, 0,
                                "the product of its sizes does not fit", NULL);
  if (tensor->strides == NULL || elements == 0)
    return GRADUS_OK;
  elements = 1;
  for (axis = tensor->rank - 1; axis >= 0; --axis) {
    if (tensor->dims[axis] != 1 && tensor->strides[axis] != elements)
      return gradus_internal_fail(site, GRADUS_ERROR_STRIDE, placeOf(slot, k, axis), (double)elements,
                                  (double)tensor->strides[axis], "has stride {g}, expected {e}: only contiguous data is taken",
                                  NULL);
    elements *= tensor->dims[axis];
  }
  return GRADUS_OK;
}

/* An argument of any rank: its symbol counts elements, and all that share it have one shape. */
static gradus_status checkAnyRank(const gradus_call_site *site, size_t slot, int32_t k, binding *table) {
  const gradus_argument *arguments = site->entry->arguments;
  const gradus_tensor *tensor = gradus_internal_tensor(site, slot, k);
  int32_t const symbol = arguments[k].dims[0];
  int64_t expected = 0;
  const char *other;
  int32_t first, axis;
  for (first = 0; first < k; ++first)
    if (arguments[first].rank < 0 && arguments[first].dims[0] == symbol && !gradus_internal_is_absent(site, slot, first))
      break;
  if (first < k) {
    const gradus_tensor *model = gradus_internal_tensor(site, slot, first);
    if (model->rank != tensor->rank)
      return gradus_internal_fail(site, GRADUS_ERROR_RANK, placeOf(slot, k, -1), model->rank, tensor->rank,
                                  "rank is {g}, expected {e} (as '%s' has)", arguments[first].name);
    for (axis = 0; axis < tensor->rank; ++axis)
      if (model->dims[axis] != tensor->dims[axis])
        return gradus_internal_fail(site, GRADUS_ERROR_SHAPE, placeOf(slot, k, axis), (double)model->dims[axis],
                                    (double)tensor->dims[axis], "is {g}, expected {e} (as '%s' has)",
                                    arguments[first].name);
    return GRADUS_OK;
  }
  other = bindSymbol(site, slot, table, k, symbol, gradus_internal_numel(tensor), &expected);
  if (other != NULL)
    return gradus_internal_fail(site, GRADUS_ERROR_SHAPE, placeOf(slot, k, -1), (double)expected,
                                (double)gradus_internal_numel(tensor), "has {g} elements, expected {e} (as '%s' says)", other);
  return GRADUS_OK;
}

static gradus_status checkDims(const gradus_call_site *site, size_t slot, int32_t k, binding *table) {
  const gradus_argument *argument = &site->entry->arguments[k];
  const gradus_tensor *tensor = gradus_internal_tensor(site, slot, k);
  int32_t axis;
  for (axis = 0; axis < argument->rank; ++axis) {
    int64_t const size = tensor->dims[axis];
    int64_t expected = 0;
    const char *other;
    if (argument->dims[axis] < 0) {
      expected = -1 - (int64_t)argument->dims[axis];
      if (size != expected)
        return gradus_internal_fail(site, GRADUS_ERROR_SHAPE, placeOf(slot, k, axis), (double)expected, (double)size,
                                    "is {g}, expected {e}", NULL);
      continue;
    }
    other = bindSymbol(site, slot, table, k, argument->dims[axis], size, &expected);
    if (other != NULL)
      return gradus_internal_fail(site, GRADUS_ERROR_SHAPE, placeOf(slot, k, axis), (double)expected, (double)size,
                                  "is {g}, expected {e} (as '%s' has)", other);
  }
  return GRADUS_OK;
}

/* The sizes that a formula is read with. */
typedef struct formula_sizes {
  const gradus_entry *entry;
  const binding *table;
  int32_t trial; /* a symbol that is tried out, or -1 */
  int64_t trial_size;
  int32_t unknown; /* a symbol without a size that was asked for, or -1 */
  int is_in_call;
} formula_sizes;

static int findSize(void *user, const char *name, size_t length, int is_in_call, int64_t *size) {
  formula_sizes *self = (formula_sizes *)user;
  int32_t symbol;
  for (symbol = 0; symbol < self->entry->n_symbols && symbol < GRADUS_SYMBOL_TABLE; ++symbol) {
    if (strlen(self->entry->symbols[symbol]) != length || memcmp(self->entry->symbols[symbol], name, length) != 0)
      continue;
    if (self->table[symbol].argument < 0 && symbol != self->trial) {
      self->unknown = symbol;
      return 0;
    }
    self->is_in_call |= is_in_call && symbol == self->trial;
    *size = symbol == self->trial ? self->trial_size : self->table[symbol].size;
    return 1;
  }
  return 0;
}

/* Tells the size of the only unknown symbol of a formula that an argument has as a size, if the formula is linear in it. */
static int solveFormula(const gradus_entry *entry, binding *table, int32_t formula) {
  formula_sizes sizes = {0};
  int64_t values[3], divisor, wanted, size;
  int step;
  sizes.entry = entry;
  sizes.table = table;
  sizes.trial = sizes.unknown = -1;
  if (gradus_internal_read_formula(entry->symbols[formula], findSize, &sizes, &values[0], &divisor) || sizes.unknown < 0)
    return 0;
  sizes.trial = sizes.unknown;
  for (step = 0; step < 3; ++step) {
    sizes.trial_size = step;
    if (!gradus_internal_read_formula(entry->symbols[formula], findSize, &sizes, &values[step], &divisor))
      return 0;
  }
  if (sizes.is_in_call || values[1] == values[0] || values[2] - values[1] != values[1] - values[0] ||
      table[formula].size > INT64_MAX / 2 / divisor)
    return 0;
  wanted = table[formula].size * divisor - values[0];
  size = wanted / (values[1] - values[0]);
  if (size < 0 || size * (values[1] - values[0]) != wanted)
    return 0;
  table[sizes.trial].size = size;
  table[sizes.trial].argument = table[formula].argument;
  return 1;
}

/* Who has a symbol as a size; its axis goes to `axis`. */
static int32_t findArgument(const gradus_entry *entry, int32_t symbol, int32_t *axis) {
  int32_t k;
  for (k = 0; k < entry->n_arguments; ++k)
    for (*axis = 0; *axis < entry->arguments[k].rank; ++*axis)
      if (entry->arguments[k].dims[*axis] == symbol)
        return k;
  *axis = -1;
  return -1;
}

/* Requires that a formula of known symbols is a size, and that of the argument which has it. */
static gradus_status checkFormula(const gradus_call_site *site, size_t slot, const binding *table, int32_t symbol) {
  const char *text = site->entry->symbols[symbol];
  formula_sizes sizes = {0};
  int64_t dividend, divisor;
  int32_t axis;
  int32_t const k = findArgument(site->entry, symbol, &axis);
  sizes.entry = site->entry;
  sizes.table = table;
  sizes.trial = sizes.unknown = -1;
  if (!gradus_internal_read_formula(text, findSize, &sizes, &dividend, &divisor)) {
    if (sizes.unknown < 0 && k >= 0) /* nothing in this entry tells its symbols, so that nothing uses them */
      return GRADUS_OK;
    return gradus_internal_fail(site, GRADUS_ERROR_SHAPE, placeOf(slot, k, axis), 0, k < 0 ? 0 : (double)table[symbol].size,
                                k < 0 ? "the size %s cannot be told" : "is {g}, which '%s' is for no size", text);
  }
  if (dividend < 0)
    return gradus_internal_fail(site, GRADUS_ERROR_SHAPE, placeOf(slot, k, axis), 0, (double)dividend / (double)divisor,
                                "the size %s is negative: {g}", text);
  if (dividend % divisor != 0)
    return gradus_internal_fail(site, GRADUS_ERROR_SHAPE, placeOf(slot, k, axis), (double)divisor, (double)dividend,
                                "the size %s is not whole: {g} is no multiple of {e}", text);
  if (k >= 0 && table[symbol].argument >= 0 && table[symbol].size != dividend / divisor) /* else who has it is left out */
    return gradus_internal_fail(site, GRADUS_ERROR_SHAPE, placeOf(slot, k, axis), (double)(dividend / divisor),
                                (double)table[symbol].size, "is {g}, expected %s = {e}", text);
  return GRADUS_OK;
}

static gradus_status checkFormulas(const gradus_call_site *site, size_t slot, binding *table) {
  const gradus_entry *entry = site->entry;
  gradus_status status = GRADUS_OK;
  int is_new = 1;
  int32_t symbol;
  while (is_new) {
    is_new = 0;
    for (symbol = 0; symbol < entry->n_symbols && symbol < GRADUS_SYMBOL_TABLE; ++symbol)
      if (table[symbol].argument >= 0 && gradus_internal_is_formula(entry->symbols[symbol]))
        is_new |= solveFormula(entry, table, symbol);
  }
  for (symbol = 0; symbol < entry->n_symbols && status == GRADUS_OK; ++symbol) {
    if (!gradus_internal_is_formula(entry->symbols[symbol]))
      continue;
    if (symbol >= GRADUS_SYMBOL_TABLE)
      return gradus_internal_fail(site, GRADUS_ERROR_OVERFLOW, placeOf(slot, -1, -1), GRADUS_SYMBOL_TABLE, entry->n_symbols,
                                  "formulas of sizes are among more than {e} sizes", NULL);
    status = checkFormula(site, slot, table, symbol);
  }
  return status;
}

static int hasFormulas(const gradus_entry *entry) {
  int32_t symbol;
  for (symbol = 0; symbol < entry->n_symbols; ++symbol)
    if (gradus_internal_is_formula(entry->symbols[symbol]))
      return 1;
  return 0;
}

/* Whether an argument of any rank has the very sizes of `model`, which stands for the same symbol and has passed: then only its type is left to look at. */
static int isLikeModel(const gradus_argument *argument, const gradus_tensor *tensor, const gradus_argument *model, const gradus_tensor *passed) {
  return model != NULL && argument->rank < 0 && argument->dims[0] == model->dims[0] && tensor->dims == passed->dims &&
         tensor->rank == passed->rank && tensor->strides == NULL && tensor->dtype == argument->dtype;
}

static gradus_status checkSlot(const gradus_call_site *site, size_t slot, int has_formulas) {
  const gradus_entry *entry = site->entry;
  const gradus_argument *model = NULL;
  const gradus_tensor *passed = NULL;
  const gradus_tensor *tensor;
  binding table[GRADUS_SYMBOL_TABLE];
  gradus_status status;
  int32_t k;
  for (k = 0; k < entry->n_symbols && k < GRADUS_SYMBOL_TABLE; ++k)
    table[k].argument = -1;
  for (k = 0; k < entry->n_arguments; ++k) {
    if (gradus_internal_is_absent(site, slot, k))
      continue;
    /* A shared tensor takes part in every slot: it may have a size in common with each. */
    tensor = gradus_internal_tensor(site, slot, k);
    if (isLikeModel(&entry->arguments[k], tensor, model, passed))
      continue;
    status = checkAlone(site, slot, k, tensor);
    if (status == GRADUS_OK)
      status = entry->arguments[k].rank < 0 ? checkAnyRank(site, slot, k, table) : checkDims(site, slot, k, table);
    if (status != GRADUS_OK)
      return status;
    if (entry->arguments[k].rank < 0) {
      model = &entry->arguments[k];
      passed = tensor;
    }
  }
  return has_formulas ? checkFormulas(site, slot, table) : GRADUS_OK;
}

gradus_status gradus_internal_check_shapes(const gradus_call_site *site) {
  const gradus_entry *entry = site->entry;
  int const has_formulas = hasFormulas(entry);
  gradus_status status;
  size_t slot;
  if (!entry->is_open && site->n_slots != 1)
    return gradus_internal_fail(site, GRADUS_ERROR_SHAPE, placeOf(0, -1, -1), 1, (double)site->n_slots,
                                "{g} slots are given, expected {e}", NULL);
  if (entry->n_arguments > 0 && site->n_slots > SIZE_MAX / sizeof(gradus_tensor) / (size_t)entry->n_arguments)
    return gradus_internal_fail(site, GRADUS_ERROR_OVERFLOW, placeOf(0, -1, -1), 0, (double)site->n_slots,
                                "{g} slots do not fit in memory", NULL);
  if (entry->n_arguments > 0 && site->n_slots > 0 && site->tensors == NULL)
    return gradus_internal_fail(site, GRADUS_ERROR_NULL, placeOf(0, -1, -1), 0, 0, "the slots are a null pointer", NULL);
  for (slot = 0; slot < site->n_slots; ++slot) {
    status = checkSlot(site, slot, has_formulas);
    if (status != GRADUS_OK)
      return status;
  }
  return GRADUS_OK;
}

static gradus_status checkBuffer(const gradus_call_site *site, size_t slot, int32_t k, const gradus_tensor *tensor, gradus_range *range) {
  size_t const plain = gradus_internal_plain_size(tensor->dtype), size = plain != 0 ? plain : sizeof(float);
  *range = gradus_internal_range(tensor);
  if (tensor->device_type != site->entry->device_type)
    return gradus_internal_fail(site, GRADUS_ERROR_DEVICE, placeOf(slot, k, -1), site->entry->device_type, tensor->device_type,
                                "this entry has no code for device type {g}, expected {e} (%s)", gradus_device_type_name(site->entry->device_type));
  if (tensor->device_type != GRADUS_CPU && tensor->device_id != site->context->device->id)
    return gradus_internal_fail(site, GRADUS_ERROR_DEVICE, placeOf(slot, k, -1), site->context->device->id, tensor->device_id,
                                "its memory is that of device {g}, expected {e}, the device of the context", NULL);
  if (range->begin == range->end) {
    *range = gradus_internal_no_range();
    return GRADUS_OK;
  }
  if (tensor->data == NULL)
    return gradus_internal_fail(site, GRADUS_ERROR_NULL, placeOf(slot, k, -1), 0, 0, "its data is a null pointer", NULL);
  if ((range->begin & (size - 1)) != 0)
    return gradus_internal_fail(site, GRADUS_ERROR_ALIGNMENT, placeOf(slot, k, -1), (double)size, (double)(range->begin & (size - 1)),
                                "its data is {g} bytes past a multiple of {e}", NULL);
  if (range->end < range->begin)
    return gradus_internal_fail(site, GRADUS_ERROR_OVERFLOW, placeOf(slot, k, -1), 0, 0,
                                "its data runs past the end of memory", NULL);
  return GRADUS_OK;
}

gradus_status gradus_internal_check_buffers(const gradus_call_site *site, gradus_range *ranges, gradus_range *all) {
  const gradus_entry *entry = site->entry;
  const gradus_tensor *tensor = site->tensors;
  gradus_range unwanted;
  gradus_status status;
  size_t slot;
  int32_t k;
  *all = gradus_internal_no_range();
  for (slot = 0; slot < site->n_slots; ++slot) {
    for (k = 0; k < entry->n_arguments; ++k, ++tensor) {
      gradus_range *range = ranges != NULL ? ranges++ : &unwanted;
      if (gradus_internal_is_ignored(site, slot, k)) {
        *range = gradus_internal_no_range();
        continue;
      }
      status = checkBuffer(site, slot, k, tensor, range);
      if (status != GRADUS_OK)
        return status;
      all->begin = range->begin < all->begin ? range->begin : all->begin;
      all->end = range->end > all->end ? range->end : all->end;
    }
  }
  return GRADUS_OK;
}
