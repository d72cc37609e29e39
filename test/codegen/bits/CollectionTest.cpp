//===- CollectionTest.cpp - Many tensors in one call are many calls ---------------===//
//
// Hundreds of tensors, from none to many blocks long, in one call: the bits are those of a call for each of them, wherever the work is cut. A norm of the whole
// collection is that of a sum in f64.
//
//===----------------------------------------------------------------------===//

#include "AnyCall.h"
#include "Artifact.h"

#include "gtest/gtest.h"

#include <cmath>
#include <functional>
#include <numeric>

using namespace gradus::bits;

namespace {

/// How a range is cut: calls body for each piece.
using Cut = std::function<void(int64_t count, const std::function<void(int64_t, int64_t)> &)>;

struct Cutting {
  const char *name;
  Cut cut;
};

const std::vector<Cutting> cuttings = {
    {"not at all", nullptr},
    {"each unit by itself, backwards",
     [](int64_t count, const auto &body) {
       for (int64_t k = count; k-- > 0;)
         body(k, k + 1);
     }},
    {"in pieces of 7",
     [](int64_t count, const auto &body) {
       for (int64_t k = 0; k < count; k += 7)
         body(k, std::min(k + 7, count));
     }},
    {"with empty pieces",
     [](int64_t count, const auto &body) {
       body(0, 0);
       body(0, count / 3);
       body(count / 3, count);
       body(count, count);
     }},
};

/// Tensors of an entry whose arguments are all f32 and of one size in a slot.
struct Collection {
  Collection(const gradus_entry *entry, const std::vector<int64_t> &sizes) : entry(entry), sizes(sizes) {
    for (size_t slot = 0; slot < sizes.size(); ++slot)
      for (int32_t k = 0; k < entry->n_arguments; ++k) {
        std::vector<float> &own = data.emplace_back(size_t(sizes[slot]));
        for (size_t i = 0; i < own.size(); ++i)
          own[i] = float((i * 37 + slot * 11 + size_t(k) * 5) % 101) * 0.01f + 0.1f;
      }
    for (size_t slot = 0; slot < sizes.size(); ++slot)
      for (int32_t k = 0; k < entry->n_arguments; ++k)
        tensors.push_back({data[tensors.size()].data(), &this->sizes[slot], nullptr, 1, GRADUS_F32, GRADUS_CPU, 0});
  }

  gradus_status step(size_t first, size_t count, const Cut &cut) {
    const gradus_tensor *begin = tensors.data() + first * size_t(entry->n_arguments);
    std::vector<char> workspace(gradus_workspace(entry, begin, count) + 64);
    char *scratch = workspace.data() + (64 - reinterpret_cast<uintptr_t>(workspace.data()) % 64) % 64;
    gradus_context context = {};
    context.user = const_cast<Cut *>(&cut);
    if (cut)
      context.parallel_for = [](void *user, int64_t count, gradus_body body, void *closure) {
        (*static_cast<const Cut *>(user))(count, [&](int64_t begin, int64_t end) { body(closure, begin, end); });
      };
    return gradus_call(entry, &context, nullptr, 5, 0, begin, count, scratch, workspace.size() - 64, nullptr);
  }

  const gradus_entry *entry;
  std::vector<int64_t> sizes;
  std::vector<std::vector<float>> data;
  std::vector<gradus_tensor> tensors;
};

/// Small ones, empty ones, whole blocks and one more or less, and one that is longer than all others.
std::vector<int64_t> makeSizes() {
  std::vector<int64_t> sizes;
  for (int64_t k = 0; k < 300; ++k)
    sizes.push_back(k % 7 == 3 ? 0 : k % 50 == 1 ? 4095 + k % 3 : k % 97 == 5 ? 12288 : k * 5 % 331);
  sizes.insert(sizes.begin() + 100, 100001);
  return sizes;
}

const gradus_entry *findEntry(const Artifact &artifact, const std::string &name) {
  for (const gradus_entry *entry : artifact.entries)
    if (entry->name == name)
      return entry;
  return nullptr;
}

TEST(Collection, oneCallIsManyCalls) {
  for (std::string rule : {"adamw", "lion", "lamb"}) {
    Artifact artifact(GRADUS_STD "/rules/" + rule + ".grad");
    ASSERT_EQ(artifact.problem, "");
    const gradus_entry *entry = findEntry(artifact, rule + "_step");
    ASSERT_TRUE(entry);
    currentLevel = getMachineLevel();
    Collection apart(entry, makeSizes());
    for (size_t slot = 0; slot < apart.sizes.size(); ++slot)
      ASSERT_EQ(apart.step(slot, 1, nullptr), GRADUS_OK);
    for (const Cutting &cutting : cuttings) {
      Collection together(entry, makeSizes());
      ASSERT_EQ(together.step(0, together.sizes.size(), cutting.cut), GRADUS_OK);
      EXPECT_TRUE(together.data == apart.data) << rule << ", cut " << cutting.name;
    }
    Collection none(entry, {});
    EXPECT_EQ(none.step(0, 0, nullptr), GRADUS_OK);
  }
}

TEST(Collection, aNormIsThatOfAll) {
  Artifact artifact(GRADUS_TEST_INPUTS "/shrink.grad");
  ASSERT_EQ(artifact.problem, "");
  const gradus_entry *entry = findEntry(artifact, "shrink_step");
  ASSERT_TRUE(entry);
  currentLevel = getMachineLevel();
  Collection before(entry, makeSizes()), first(entry, makeSizes());
  double squares = 0, most = 0;
  for (const std::vector<float> &x : before.data) {
    squares += std::inner_product(x.begin(), x.end(), x.begin(), 0.0);
    for (float number : x)
      most = std::max(most, double(number));
  }
  ASSERT_EQ(first.step(0, first.sizes.size(), nullptr), GRADUS_OK);
  for (size_t k = 0; k < before.data.size(); ++k)
    for (size_t i = 0; i < before.data[k].size(); ++i) {
      double wanted = double(before.data[k][i]) / std::sqrt(squares) + most;
      ASSERT_NEAR(first.data[k][i], wanted, 1e-6 * wanted) << k << ", " << i;
    }
  for (const Cutting &cutting : cuttings) {
    Collection other(entry, makeSizes());
    ASSERT_EQ(other.step(0, other.sizes.size(), cutting.cut), GRADUS_OK);
    EXPECT_TRUE(other.data == first.data) << "cut " << cutting.name;
  }
}

} // namespace
