// gradus.hpp - What the C++ headers of compiled specs share; C++17 and later, no other dependency than gradus.h and gradus_device.h.
//
// Views over the caller's memory, on a device too, a workspace that frees itself, outcomes with their sentence. Nothing throws but `orThrow`.

#ifndef GRADUS_HPP
#define GRADUS_HPP

#include "gradus.h"
#include "gradus_device.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#if defined(__cpp_exceptions)
#include <stdexcept>
#endif

namespace gradus {

/// A run of elements that somebody else owns; made from anything with data() and size(), std::span included. As with std::span, of a temporary that owns its
/// elements there is only a run of const ones, for the call that it is an argument of.
template <typename T>
class Span {
  /// A temporary gives what it gives where it is const: one that owns its elements, const ones.
  template <typename Container>
  using Source = std::conditional_t<std::is_lvalue_reference_v<Container>, Container, const Container &>;

public:
  constexpr Span() = default;
  constexpr Span(T *first, std::size_t count) : first(first), count(count) {}
  template <typename Container,
            typename = std::enable_if_t<std::is_convertible_v<decltype(std::declval<Source<Container>>().data()), T *>>>
  constexpr Span(Container &&container) : first(container.data()), count(container.size()) {}
  template <std::size_t N>
  constexpr Span(T (&array)[N]) : first(array), count(N) {}

  constexpr T *data() const { return first; }
  constexpr std::size_t size() const { return count; }
  constexpr T *begin() const { return first; }
  constexpr T *end() const { return first + count; }
  constexpr T &operator[](std::size_t index) const { return first[index]; }

private:
  T *first = nullptr;
  std::size_t count = 0;
};

/// The element type of the ABI for a C++ type.
template <typename T>
constexpr gradus_dtype dtypeOf() {
  using Plain = std::remove_cv_t<T>;
  if constexpr (std::is_same_v<Plain, float>)
    return GRADUS_F32;
  else if constexpr (std::is_same_v<Plain, double>)
    return GRADUS_F64;
  else if constexpr (std::is_same_v<Plain, std::int32_t>)
    return GRADUS_I32;
  else if constexpr (std::is_same_v<Plain, std::int64_t>)
    return GRADUS_I64;
  else {
    static_assert(std::is_same_v<Plain, bool> && sizeof(bool) == 1, "no element type of Gradus");
    return GRADUS_BOOL;
  }
}

/// A tensor over the caller's memory that carries its own sizes. It must outlive the calls it is passed to.
class View {
public:
  /// Of rank 1, as long as the span.
  template <typename T>
  explicit View(Span<T> elements) : View(elements.data(), {static_cast<std::int64_t>(elements.size())}) {}
  /// Row-major; the product of the sizes is the number of elements behind the pointer, `rank` at most GRADUS_MAX_RANK.
  template <typename T>
  View(T *data, std::initializer_list<std::int64_t> sizes) : View(data, Span<const std::int64_t>(sizes.begin(), sizes.size())) {}
  template <typename T>
  View(T *data, Span<const std::int64_t> sizes)
      : pointer(const_cast<std::remove_cv_t<T> *>(data)), rank(static_cast<std::int32_t>(sizes.size())), dtype(dtypeOf<T>()) {
    for (std::size_t axis = 0; axis < sizes.size() && axis < dims.size(); ++axis)
      dims[axis] = sizes[axis];
  }

  /// Numbers in blocks of 8-bit codes; `size` of them, a power of 2 from 16 to 4,096, in a block. The memory has gradus_bytes bytes, aligned to 4.
  static View blocks(void *data, Span<const std::int64_t> sizes, std::int64_t size = 256) {
    View view(static_cast<float *>(data), sizes);
    view.dtype = GRADUS_BLOCKS;
    for (; size > 1; size /= 2)
      ++view.dtype;
    return view;
  }
  static View blocks(void *data, std::initializer_list<std::int64_t> sizes, std::int64_t size = 256) {
    return blocks(data, Span<const std::int64_t>(sizes.begin(), sizes.size()), size);
  }

  /// The same in the memory of a device, whose `id` and type it takes: `on<float>(device, address, {n, 64})`.
  template <typename T>
  static View on(const gradus_device &device, gradus_address address, Span<const std::int64_t> sizes) {
    View view(static_cast<T *>(gradus_to_pointer(address)), sizes);
    view.deviceType = device.type;
    view.deviceId = device.id;
    return view;
  }
  template <typename T>
  static View on(const gradus_device &device, gradus_address address, std::initializer_list<std::int64_t> sizes) {
    return on<T>(device, address, Span<const std::int64_t>(sizes.begin(), sizes.size()));
  }

  /// The descriptor; it points into this view.
  gradus_tensor get() const {
    gradus_tensor tensor{};
    tensor.data = pointer;
    tensor.dims = dims.data();
    tensor.rank = rank;
    tensor.dtype = dtype;
    tensor.device_type = deviceType;
    tensor.device_id = deviceId;
    return tensor;
  }
  operator gradus_tensor() const { return get(); }

private:
  void *pointer;
  std::array<std::int64_t, GRADUS_MAX_RANK> dims{};
  std::int32_t rank;
  std::int32_t dtype;
  std::int32_t deviceType = GRADUS_CPU;
  std::int32_t deviceId = 0;
};

#if defined(__cpp_exceptions)
/// What Outcome::orThrow throws.
class Error : public std::runtime_error {
public:
  Error(gradus_status status, const std::string &message) : std::runtime_error(message), status(status) {}
  gradus_status status;
};
#endif

/// How a call ended: true for success, else with a sentence.
struct [[nodiscard]] Outcome {
  gradus_status status = GRADUS_OK;
  std::string message;
  gradus_report report{};

  explicit operator bool() const { return status == GRADUS_OK; }
  /// The guard has found a number that is not finite: nothing has moved, and the report says where. The next step has the same t.
  bool isRefused() const { return status == GRADUS_ERROR_NONFINITE; }
#if defined(__cpp_exceptions)
  const Outcome &orThrow() const {
    if (status != GRADUS_OK)
      throw Error(status, message);
    return *this;
  }
#endif
};

/// Bytes aligned to 64 that grow as needed and free themselves.
class Workspace {
public:
  /// At least so many bytes, or null where there is no memory; null for 0.
  void *get(std::size_t bytes) {
    if (bytes > capacity) {
      storage.reset(static_cast<char *>(::operator new(bytes, std::align_val_t(64), std::nothrow)));
      capacity = storage ? bytes : 0;
    }
    return bytes == 0 ? nullptr : storage.get();
  }

private:
  struct Release {
    void operator()(char *pointer) const { ::operator delete(pointer, std::align_val_t(64)); }
  };
  std::unique_ptr<char, Release> storage;
  std::size_t capacity = 0;
};

/// The hyper-parameters and the slots of entries that have none.
struct NoHyper {};
struct NoSlot {};

/// One entry point and the hyper-parameters of its next call: what Kernel and DeviceKernel share.
template <typename Hyper, typename Slot>
class Entry {
public:
  /// The hyper-parameters of the next call, at their defaults.
  Hyper hyper{};

  const gradus_entry &entry() const { return *table; }

protected:
  Entry(const gradus_entry &entry, std::uint64_t content) : table(&entry), content(content) {
    if constexpr (!std::is_same_v<Hyper, NoHyper>)
      gradus_hyper_defaults(table, &hyper);
  }

  /// Stands between the caller's context and the call, to catch the sentence of an error.
  struct Listener {
    const gradus_context *outer;
    Outcome *outcome;

    static void error(void *user, const gradus_error *error) {
      const Listener *self = static_cast<const Listener *>(user);
      self->outcome->message = error->message;
      if (self->outer && self->outer->error)
        self->outer->error(self->outer->user, error);
    }
    static void parallelFor(void *user, std::int64_t count, gradus_body body, void *closure) {
      const Listener *self = static_cast<const Listener *>(user);
      self->outer->parallel_for(self->outer->user, count, body, closure);
    }
    /// The context of the call; it points to this.
    gradus_context listen() {
      gradus_context inner{};
      inner.user = this;
      inner.error = error;
      if (outer && outer->parallel_for)
        inner.parallel_for = parallelFor;
      inner.linear_algebra = outer ? outer->linear_algebra : nullptr;
      inner.workers = outer ? outer->workers : nullptr;
      inner.device = outer ? outer->device : nullptr;
      return inner;
    }
  };

  /// False, with the outcome of the call, where the archive is of another build than the header.
  bool isOfThisBuild(Outcome &outcome) const {
    if (table->content == content)
      return true;
    outcome.status = GRADUS_ERROR_VERSION;
    outcome.message = std::string(table->name) + ": the header is of another build than the archive";
    return false;
  }

  const void *getHyper() const {
    if constexpr (std::is_same_v<Hyper, NoHyper>)
      return nullptr;
    else
      return &hyper;
  }
  static const gradus_tensor *getTensors(Span<const Slot> slots) { return reinterpret_cast<const gradus_tensor *>(slots.data()); }

  const gradus_entry *table;
  std::uint64_t content;
};

/// One entry point with its workspace. Not for two threads at once; each may have its own.
template <typename Hyper, typename Slot>
class Kernel : public Entry<Hyper, Slot> {
  using Base = Entry<Hyper, Slot>;

public:
  /// `content` is the hash in the header: an archive of another build is told apart by the call.
  Kernel(const gradus_entry &entry, std::uint64_t content) : Base(entry, content) {}

  /// Runs the entry on slots. The context's hooks are used; its error sink is told, and so is the outcome.
  Outcome operator()(Span<const Slot> slots, std::uint64_t t = 1, std::uint64_t seed = 0, const gradus_context *context = nullptr) {
    Outcome outcome;
    if (!this->isOfThisBuild(outcome))
      return outcome;
    typename Base::Listener listener{context, &outcome};
    gradus_context inner = listener.listen();
    const gradus_tensor *tensors = this->getTensors(slots);
    // Where the shapes would be refused the call says why.
    std::size_t bytes = gradus_workspace(this->table, tensors, slots.size());
    if (bytes == SIZE_MAX)
      bytes = 0;
    outcome.status = gradus_call(this->table, &inner, this->getHyper(), t, seed, tensors, slots.size(), memory.get(bytes), bytes, &outcome.report);
    return outcome;
  }
  /// The same for one slot.
  Outcome operator()(const Slot &slot, std::uint64_t t = 1, std::uint64_t seed = 0, const gradus_context *context = nullptr) {
    return (*this)(Span<const Slot>(&slot, 1), t, seed, context);
  }

private:
  Workspace memory;
};

/// One entry point on a device. Tensors (View::on) and the workspace lie in its memory, and the caller owns all of it.
template <typename Hyper, typename Slot>
class DeviceKernel : public Entry<Hyper, Slot> {
  using Base = Entry<Hyper, Slot>;

public:
  DeviceKernel(const gradus_entry &entry, std::uint64_t content) : Base(entry, content) {}

  /// The bytes of workspace that a call with such slots needs; SIZE_MAX where their types or shapes would be refused.
  std::size_t workspace(Span<const Slot> slots) const { return gradus_workspace(this->table, this->getTensors(slots), slots.size()); }
  std::size_t workspace(const Slot &slot) const { return workspace(Span<const Slot>(&slot, 1)); }

  /// Records the entry on the device of the context and returns; the workspace is in use until the work is done. What the step came to, the
  /// report of the device says (gradus_device.report): `result` makes an outcome of a copy of it.
  Outcome operator()(const gradus_context &context, Span<const Slot> slots, gradus_address workspace, std::size_t bytes, std::uint64_t t = 1,
                     std::uint64_t seed = 0) {
    Outcome outcome;
    if (!this->isOfThisBuild(outcome))
      return outcome;
    typename Base::Listener listener{&context, &outcome};
    gradus_context inner = listener.listen();
    outcome.status = gradus_call(this->table, &inner, this->getHyper(), t, seed, this->getTensors(slots), slots.size(), gradus_to_pointer(workspace), bytes,
                                 &outcome.report);
    return outcome;
  }
  Outcome operator()(const gradus_context &context, const Slot &slot, gradus_address workspace, std::size_t bytes, std::uint64_t t = 1,
                     std::uint64_t seed = 0) {
    return (*this)(context, Span<const Slot>(&slot, 1), workspace, bytes, t, seed);
  }

  /// What a call that had waited would have come to.
  Outcome result(const gradus_device_report &report) const {
    Outcome outcome;
    typename Base::Listener listener{nullptr, &outcome};
    gradus_context const inner = listener.listen();
    outcome.status = gradus_device_result(this->table, &inner, &report, &outcome.report);
    return outcome;
  }
};

} // namespace gradus

#endif // GRADUS_HPP
