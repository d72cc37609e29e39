/*===- call.c - Check a call, then run it ------------------------------------------===*
 *
 * The one way into compiled code. The order of the checks is part of the contract: what needs no tensor first, then
 * shapes, buffers, workspace and overlap; each kind of error is reported once and nothing is written before all have passed.
 *
 *===----------------------------------------------------------------------------===*/

#include "runtime/internal.h"

#include <math.h>

static gradus_status checkEntry(const gradus_call_site *site) {
  const gradus_entry *entry = site->entry;
  if (entry == NULL)
    return gradus_internal_fail(site, GRADUS_ERROR_NULL, gradus_internal_nowhere(), 0, 0, "the entry is a null pointer", NULL);
  if (entry->abi_version != GRADUS_ABI_VERSION) {
    /* Nothing of the entry may be read that another version lays out otherwise. */
    gradus_call_site anonymous = *site;
    anonymous.entry = NULL;
    return gradus_internal_fail(&anonymous, GRADUS_ERROR_VERSION, gradus_internal_nowhere(), GRADUS_ABI_VERSION, entry->abi_version,
                                "the artifact has ABI version {g}, this runtime {e}", NULL);
  }
  return GRADUS_OK;
}

/* The reason names the hyper-parameter, so that the message does not call it an argument. */
static gradus_status failHyper(const gradus_call_site *site, const gradus_hyper *hyper, double expected, double got,
                               const char *format) {
  gradus_error error;
  if (site->context == NULL || site->context->error == NULL)
    return GRADUS_ERROR_INTERVAL;
  error.status = (int32_t)GRADUS_ERROR_INTERVAL;
  error.entry = site->entry->name;
  error.argument = hyper->name;
  error.slot = 0;
  error.dimension = -1;
  error.element = -1;
  error.expected = expected;
  error.got = got;
  return gradus_internal_report(site->context, &error, 0, format, hyper->name);
}

/* One hyper-parameter against its interval. */
static gradus_status checkHyper(const gradus_call_site *site, const gradus_hyper *hyper, double value) {
  double const largest = 9007199254740992.0; /* 2^53: above, doubles are no longer all the integers */
  if (value != value)
    return failHyper(site, hyper, hyper->initial, value, "hyper-parameter '%s' is not a number");
  if (value < hyper->low || (value == hyper->low && !hyper->low_closed))
    return failHyper(site, hyper, hyper->low, value,
                     hyper->low_closed ? "hyper-parameter '%s' is {g}, expected at least {e}"
                                       : "hyper-parameter '%s' is {g}, expected more than {e}");
  if (value > hyper->high || (value == hyper->high && !hyper->high_closed))
    return failHyper(site, hyper, hyper->high, value,
                     hyper->high_closed ? "hyper-parameter '%s' is {g}, expected at most {e}"
                                        : "hyper-parameter '%s' is {g}, expected less than {e}");
  if (hyper->is_integer && (value < -largest || value > largest || value != (double)(int64_t)value))
    return failHyper(site, hyper, hyper->initial, value, "hyper-parameter '%s' is {g}, expected a whole number");
  return GRADUS_OK;
}

static gradus_status checkHypers(const gradus_call_site *site, const double *hyper) {
  const gradus_entry *entry = site->entry;
  gradus_status status;
  int32_t k;
  if (entry->n_hypers > 0 && hyper == NULL)
    return gradus_internal_fail(site, GRADUS_ERROR_NULL, gradus_internal_nowhere(), 0, 0, "the hyper-parameters are a null pointer", NULL);
  if ((uintptr_t)hyper % sizeof(double) != 0)
    return gradus_internal_fail(site, GRADUS_ERROR_ALIGNMENT, gradus_internal_nowhere(), sizeof(double),
                                (double)((uintptr_t)hyper % sizeof(double)),
                                "the hyper-parameters are {g} bytes past a multiple of {e}", NULL);
  for (k = 0; k < entry->n_hypers; ++k) {
    status = checkHyper(site, &entry->hypers[k], hyper[k]);
    if (status != GRADUS_OK)
      return status;
  }
  return GRADUS_OK;
}

static gradus_status checkTime(const gradus_call_site *site, uint64_t t) {
  if (!site->entry->takes_time)
    return GRADUS_OK;
  if (t == 0)
    return gradus_internal_fail(site, GRADUS_ERROR_STEP, gradus_internal_nowhere(), 1, 0, "t is 0: steps count from 1", NULL);
  if (t > (uint64_t)INT64_MAX)
    return gradus_internal_fail(site, GRADUS_ERROR_STEP, gradus_internal_nowhere(), 9223372036854775807.0, (double)t,
                                "t is {g}: too large", NULL);
  return GRADUS_OK;
}

/* The bytes that the sort of overlap.c needs. */
static size_t overlapBytes(const gradus_call_site *site) {
  return gradus_internal_overlap_bytes(site->n_slots * (size_t)site->entry->n_arguments);
}

/* The bytes of a checked set of tensors; the sort is over before the kernel begins, so they share. On a device it has memory of its own. */
static size_t workspaceBytes(const gradus_call_site *site) {
  const gradus_entry *entry = site->entry;
  size_t const forOverlap = entry->device_type == GRADUS_CPU ? overlapBytes(site) : 0;
  size_t const forKernel = entry->workspace_size != NULL ? entry->workspace_size(site->tensors, site->n_slots) : 0;
  return forKernel > forOverlap ? forKernel : forOverlap;
}

static gradus_status checkWorkspace(const gradus_call_site *site, const void *workspace, size_t bytes, size_t needed) {
  if (needed == SIZE_MAX)
    return gradus_internal_fail(site, GRADUS_ERROR_OVERFLOW, gradus_internal_nowhere(), 0, 0, "the size of the workspace does not fit", NULL);
  if (needed == 0)
    return GRADUS_OK;
  if (workspace == NULL)
    return gradus_internal_fail(site, GRADUS_ERROR_WORKSPACE, gradus_internal_nowhere(), (double)needed, 0,
                                "the workspace is a null pointer, expected {e} bytes", NULL);
  if (bytes < needed)
    return gradus_internal_fail(site, GRADUS_ERROR_WORKSPACE, gradus_internal_nowhere(), (double)needed, (double)bytes,
                                "the workspace has {g} bytes, expected {e}", NULL);
  if ((uintptr_t)workspace % 64 != 0)
    return gradus_internal_fail(site, GRADUS_ERROR_WORKSPACE, gradus_internal_nowhere(), 64, (double)((uintptr_t)workspace % 64),
                                "the workspace is {g} bytes past a multiple of {e}", NULL);
  return GRADUS_OK;
}

/* What is not a tensor but shares the call: if written it must not meet any tensor, else only those that are not written. */
typedef struct neighbour {
  gradus_range range;
  int isWritten;
  const char *name;
} neighbour;
enum { neighbourCount = 3 };

static neighbour makeNeighbour(const void *data, size_t bytes, int isWritten, const char *name) {
  neighbour result;
  result.range = gradus_internal_no_range();
  if (data != NULL && bytes > 0) {
    result.range.begin = (uintptr_t)data;
    result.range.end = (uintptr_t)data + bytes;
  }
  result.isWritten = isWritten;
  result.name = name;
  return result;
}

/* `all` has the addresses of all tensors: mostly no neighbour lies between them, and no tensor is looked at. */
static gradus_status checkApart(const gradus_call_site *site, const gradus_range *ranges, gradus_range all, const neighbour *neighbours) {
  const gradus_entry *entry = site->entry;
  const gradus_tensor *tensor = site->tensors;
  gradus_place place = gradus_internal_nowhere();
  int32_t k, n;
  int meets = 0;
  for (n = 0; n < neighbourCount; ++n) {
    if (neighbours[n].range.end < neighbours[n].range.begin && neighbours[n].range.begin != UINTPTR_MAX)
      return gradus_internal_fail(site, GRADUS_ERROR_OVERFLOW, place, 0, 0, "%s: past the end of memory",
                                  neighbours[n].name);
    meets |= gradus_internal_meet(all, neighbours[n].range);
  }
  if (!meets)
    return GRADUS_OK;
  for (place.slot = 0; place.slot < site->n_slots; ++place.slot) {
    for (k = 0; k < entry->n_arguments; ++k, ++tensor) {
      gradus_range range;
      if (ranges == NULL && gradus_internal_is_ignored(site, place.slot, k))
        continue;
      range = ranges != NULL ? *ranges++ : gradus_internal_range(tensor);
      for (n = 0; n < neighbourCount; ++n) {
        if (gradus_internal_meet(range, neighbours[n].range) && range.begin < range.end &&
            (neighbours[n].isWritten || (entry->arguments[k].flags & GRADUS_WRITTEN))) {
          place.argument = k;
          return gradus_internal_fail(site, GRADUS_ERROR_OVERLAP, place, 0, 0, "it overlaps %s", neighbours[n].name);
        }
      }
    }
  }
  return GRADUS_OK;
}

/* Workers met and could not go on: `reserved` is minus the state of gradus_workers_*, or 4 where they would have to meet for one slot after another. */
static gradus_status failWorkers(const gradus_call_site *site, const gradus_report *report) {
  const gradus_workers *workers = site->context != NULL ? site->context->workers : NULL;
  double const count = workers != NULL ? (double)workers->count : 1;
  if (report->reserved == 1)
    return gradus_internal_fail(site, GRADUS_ERROR_WORKERS, gradus_internal_nowhere(), 0, 0, "another worker refused its part of the step", NULL);
  if (report->reserved == 3)
    return gradus_internal_fail(site, GRADUS_ERROR_WORKERS, gradus_internal_nowhere(), count, report->value,
                                "there is no worker {g} to exchange with; their count is {e}, and the first is 0", NULL);
  if (report->reserved == 4)
    return gradus_internal_fail(site, GRADUS_ERROR_WORKERS, gradus_internal_nowhere(), 1, (double)site->n_slots,
                                "workers meet here, so that a call takes {e} slot, not {g}; call it for each of them", NULL);
  return gradus_internal_fail(site, GRADUS_ERROR_WORKERS, gradus_internal_nowhere(), 0, 0, "the other workers could not be reached", NULL);
}

/* The kernel looked at the data and refused. */
gradus_status gradus_internal_fail_kernel(const gradus_call_site *site, gradus_status status, const gradus_report *report) {
  gradus_place place = gradus_internal_nowhere();
  int32_t const argument = report->reserved & 0xffff, axis = (report->reserved >> 16) - 1;
  if (report->reserved > 0 && argument > 0 && argument <= site->entry->n_arguments) {
    place.argument = argument - 1;
    if (axis < site->entry->arguments[place.argument].rank)
      place.dimension = axis;
  }
  if (status == GRADUS_ERROR_INDEX && report->value == report->value)
    return gradus_internal_fail(site, status, place, 0, report->value,
                                place.dimension >= 0 ? "is left by the index {g}" : "index {g} is outside its axis", NULL);
  if (status == GRADUS_ERROR_INDEX)
    return gradus_internal_fail(site, status, place, 0, 0,
                                place.dimension >= 0 ? "is left by an index in the data" : "an index in the data is outside its axis", NULL);
  if (status == GRADUS_ERROR_WORKERS)
    return failWorkers(site, report);
  if (status == GRADUS_ERROR_DEVICE && site->entry->device_type != GRADUS_CPU)
    return gradus_internal_fail(site, status, gradus_internal_nowhere(), 0, 0,
                                "the device has ended loops of a kernel too early, so that what it has written is wrong; make this call on the CPU", NULL);
  if (status == GRADUS_ERROR_DEVICE) {
    int32_t const level = gradus_cpu_level();
    return gradus_internal_fail(site, status, gradus_internal_nowhere(), (double)report->reserved, (double)(level > 0 ? level : 1),
                                "this library has no code for this processor, which is x86-64-v{g}, expected at least x86-64-v{e}", NULL);
  }
  return gradus_internal_fail(site, status, place, 0, 0, "the kernel refused: %s", gradus_status_name((int32_t)status));
}

/* What else the memory of the call is: on a device in its memory. */
static void makeNeighbours(const gradus_call_site *site, const double *hyper, void *workspace, size_t needed, gradus_report *report,
                           neighbour *neighbours) {
  size_t const hypers = (size_t)site->entry->n_hypers * sizeof(double);
  neighbours[0] = makeNeighbour(workspace, needed, 1, "the workspace");
  if (site->entry->device_type == GRADUS_CPU) {
    neighbours[1] = makeNeighbour(report, sizeof(*report), 1, "the report");
    neighbours[2] = makeNeighbour(hyper, hypers, 0, "the hyper-parameters");
  } else {
    const gradus_device *device = site->context->device;
    neighbours[1] = makeNeighbour(gradus_to_pointer(device->report), sizeof(gradus_device_report), 1, "the report of the device");
    neighbours[2] = makeNeighbour(gradus_to_pointer(device->values), 2 * sizeof(uint64_t) + hypers, 0, "the values of the device");
  }
}

/* Where the sort of overlap.c has its numbers; null where it needs none, or where there is no memory. */
static void *overlapScratch(const gradus_call_site *site, void *workspace) {
  size_t const bytes = overlapBytes(site);
  if (site->entry->device_type == GRADUS_CPU)
    return workspace;
  return bytes == 0 || bytes == SIZE_MAX ? NULL : site->context->device->scratch(site->context->device->user, bytes);
}

/* All buffers, first each by itself. */
static gradus_status checkMemory(const gradus_call_site *site, const double *hyper, void *workspace, size_t workspaceSize,
                                 gradus_report *report) {
  gradus_range few[GRADUS_PAIRWISE_LIMIT];
  gradus_range *const ranges = site->n_slots * (size_t)site->entry->n_arguments <= GRADUS_PAIRWISE_LIMIT ? few : NULL;
  neighbour neighbours[neighbourCount];
  gradus_range all;
  size_t needed;
  void *scratch;
  gradus_status status = gradus_internal_check_buffers(site, ranges, &all);
  if (status != GRADUS_OK)
    return status;
  needed = workspaceBytes(site);
  status = checkWorkspace(site, workspace, workspaceSize, needed);
  if (status != GRADUS_OK)
    return status;
  makeNeighbours(site, hyper, workspace, needed, report, neighbours);
  status = checkApart(site, ranges, all, neighbours);
  if (status != GRADUS_OK)
    return status;
  scratch = overlapScratch(site, workspace);
  if (scratch == NULL && overlapBytes(site) > 0)
    return gradus_internal_fail(site, GRADUS_ERROR_WORKSPACE, gradus_internal_nowhere(), (double)overlapBytes(site), 0,
                                "the device has no memory for the checks, expected {e} bytes", NULL);
  return gradus_internal_check_overlap(site, ranges, scratch);
}

gradus_status gradus_call(const gradus_entry *entry, const gradus_context *context, const void *hyper, uint64_t t, uint64_t seed,
                          const gradus_tensor *tensors, size_t n_slots, void *workspace, size_t workspace_bytes,
                          gradus_report *report) {
  gradus_call_site site;
  gradus_report own;
  gradus_status status;
  const double *values;
  site.entry = entry;
  site.context = context;
  site.tensors = tensors;
  site.n_slots = n_slots;
  status = checkEntry(&site);
  if (status != GRADUS_OK)
    return status;
  values = hyper != NULL ? (const double *)hyper : entry->defaults;
  status = gradus_internal_check_device(&site);
  if (status == GRADUS_OK)
    status = checkTime(&site, t);
  if (status == GRADUS_OK)
    status = checkHypers(&site, values);
  if (status == GRADUS_OK)
    status = gradus_internal_check_shapes(&site);
  if (status == GRADUS_OK)
    status = checkMemory(&site, values, workspace, workspace_bytes, report);
  if (status != GRADUS_OK)
    return status;
  own.value = NAN;
  own.t = t;
  own.committed = 0;
  own.reserved = 0;
  own.slot = 0;
  own.element = -1;
  own.what = NULL;
  status = (gradus_status)entry->kernel(context, values, t, seed, tensors, n_slots, (char *)workspace, &own);
  if (entry->device_type != GRADUS_CPU)
    status = gradus_internal_finish_device(&site, status, &own);
  if (status != GRADUS_OK && entry->device_type != GRADUS_CPU)
    return status;
  if (status == GRADUS_ERROR_NONFINITE)
    return gradus_internal_fail_guard(&site, &own, report);
  if (status != GRADUS_OK)
    return gradus_internal_fail_kernel(&site, status, &own);
  if (report != NULL) {
    report->value = own.value;
    report->t = t;
    report->committed = entry->device_type == GRADUS_CPU ? 1 : -1;
    report->reserved = 0;
    report->slot = 0;
    report->element = -1;
    report->what = NULL;
  }
  return GRADUS_OK;
}

size_t gradus_workspace(const gradus_entry *entry, const gradus_tensor *tensors, size_t n_slots) {
  gradus_call_site site;
  site.entry = entry;
  site.context = NULL;
  site.tensors = tensors;
  site.n_slots = n_slots;
  if (checkEntry(&site) != GRADUS_OK || gradus_internal_check_shapes(&site) != GRADUS_OK)
    return SIZE_MAX;
  return workspaceBytes(&site);
}

void gradus_hyper_defaults(const gradus_entry *entry, void *hyper) {
  double *values = (double *)hyper;
  int32_t k;
  for (k = 0; k < entry->n_hypers; ++k)
    values[k] = entry->hypers[k].initial;
}
