// gradus.hpp - What the C++ headers of compiled specs share; C++17 and later, no other dependency than gradus.h.
//
// Views over the caller's memory, a workspace that frees itself, outcomes with their sentence. Nothing throws but `orThrow`.

#ifndef GRADUS_HPP
#define GRADUS_HPP

#include "gradus.h"

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

  /// The descriptor; it points into this view.
  gradus_tensor get() const {
    gradus_tensor tensor{};
    tensor.data = pointer;
    tensor.dims = dims.data();
    tensor.rank = rank;
    tensor.dtype = dtype;
    tensor.device_type = GRADUS_CPU;
    return tensor;
  }
  operator gradus_tensor() const { return get(); }

private:
  void *pointer;
  std::array<std::int64_t, GRADUS_MAX_RANK> dims{};
  std::int32_t rank;
  std::int32_t dtype;
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

/// One entry point with its workspace. Not for two threads at once; each may have its own.
template <typename Hyper, typename Slot>
class Kernel {
public:
  /// The hyper-parameters of the next call, at their defaults.
  Hyper hyper{};

  /// `content` is the hash in the header: an archive of another build is told apart by the call.
  Kernel(const gradus_entry &entry, std::uint64_t content) : table(&entry), content(content) {
    if constexpr (!std::is_same_v<Hyper, NoHyper>)
      gradus_hyper_defaults(table, &hyper);
  }

  const gradus_entry &entry() const { return *table; }

  /// Runs the entry on slots. The context's hooks are used; its error sink is told, and so is the outcome.
  Outcome operator()(Span<const Slot> slots, std::uint64_t t = 1, std::uint64_t seed = 0, const gradus_context *context = nullptr) {
    return run(reinterpret_cast<const gradus_tensor *>(slots.data()), slots.size(), t, seed, context);
  }
  /// The same for one slot.
  Outcome operator()(const Slot &slot, std::uint64_t t = 1, std::uint64_t seed = 0, const gradus_context *context = nullptr) {
    return (*this)(Span<const Slot>(&slot, 1), t, seed, context);
  }

private:
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
  };

  Outcome run(const gradus_tensor *tensors, std::size_t count, std::uint64_t t, std::uint64_t seed, const gradus_context *context) {
    Outcome outcome;
    if (table->content != content) {
      outcome.status = GRADUS_ERROR_VERSION;
      outcome.message = std::string(table->name) + ": the header is of another build than the archive";
      return outcome;
    }
    Listener listener{context, &outcome};
    gradus_context inner{};
    inner.user = &listener;
    inner.error = Listener::error;
    if (context && context->parallel_for)
      inner.parallel_for = Listener::parallelFor;
    inner.linear_algebra = context ? context->linear_algebra : nullptr;
    inner.workers = context ? context->workers : nullptr;
    // Where the shapes would be refused the call says why.
    std::size_t bytes = gradus_workspace(table, tensors, count);
    if (bytes == SIZE_MAX)
      bytes = 0;
    outcome.status = gradus_call(table, &inner, getHyper(), t, seed, tensors, count, workspace.get(bytes), bytes, &outcome.report);
    return outcome;
  }

  const void *getHyper() const {
    if constexpr (std::is_same_v<Hyper, NoHyper>)
      return nullptr;
    else
      return &hyper;
  }

  const gradus_entry *table;
  std::uint64_t content;
  Workspace workspace;
};

} // namespace gradus

#endif // GRADUS_HPP
