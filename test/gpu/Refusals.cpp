//===- Refusals.cpp - What is said of steps that the guard refuses ------------------===//

#include "Refusals.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace gradus;
using gradus::bits::AnyCall;

namespace {

/// One number of a call.
struct Place {
  size_t slot;
  int32_t argument;
  int64_t element;
};

/// A number that takes the place of another one.
struct Change {
  Place place;
  float value;
};

constexpr size_t slotsOfAll = 3;

void apply(const gradus_entry &entry, AnyCall &call, const Change &change) {
  gradus_tensor const &tensor = call.getTensors()[change.place.slot * size_t(entry.n_arguments) + size_t(change.place.argument)];
  auto *data = static_cast<char *>(tensor.data);
  uint32_t word;
  std::memcpy(&word, &change.value, sizeof(word));
  auto const half = uint16_t(std::isnan(change.value) ? 0x7e00 : change.value > 0 ? 0x7c00 : 0xfc00);
  switch (tensor.dtype) {
  case GRADUS_F32: reinterpret_cast<float *>(data)[change.place.element] = change.value; break;
  case GRADUS_F64: reinterpret_cast<double *>(data)[change.place.element] = change.value; break;
  case GRADUS_BF16: reinterpret_cast<uint16_t *>(data)[change.place.element] = uint16_t(word >> 16); break;
  case GRADUS_F16: reinterpret_cast<uint16_t *>(data)[change.place.element] = half; break;
  default: FAIL() << "no number of type " << gradus_dtype_name(tensor.dtype) << " is spoiled here";
  }
}

/// Several blocks of a group, where an argument has one axis.
std::vector<int64_t> sizesOf(const gradus_entry &entry) {
  bool const hasMatrix = std::any_of(entry.arguments, entry.arguments + entry.n_arguments, [](const gradus_argument &argument) { return argument.rank > 1; });
  return std::vector<int64_t>(size_t(entry.n_symbols), hasMatrix ? 20 : 7001);
}

/// The first, the middle and the last number of all arguments of a role, slot after slot.
std::vector<Place> findPlaces(const gradus_entry &entry, AnyCall &call, gradus_role role) {
  std::vector<Place> places;
  for (size_t slot = 0; slot < call.getSlots(); ++slot)
    for (int32_t k = 0; k < entry.n_arguments; ++k)
      if (entry.arguments[k].role == role && !(slot > 0 && (entry.arguments[k].flags & GRADUS_SHARED))) {
        int64_t const count = gradus_numel(&call.getTensors()[slot * size_t(entry.n_arguments) + size_t(k)]);
        for (int64_t element : {int64_t(0), count / 2, count - 1})
          places.push_back({slot, k, element});
      }
  return places;
}

int32_t findArgument(const gradus_entry &entry, const std::string &name) {
  for (int32_t k = 0; k < entry.n_arguments; ++k)
    if (entry.arguments[k].name == name)
      return k;
  return -1;
}

class Comparison {
public:
  Comparison(const gradus_entry &entry, const RunThere &runThere) : entry(entry), runThere(runThere), slots(entry.is_open ? slotsOfAll : 1) {}
  void run();
  RefusalCount counts;

private:
  void compare(const std::vector<Change> &changes);
  void overflow();

  const gradus_entry &entry;
  const RunThere &runThere;
  size_t slots;
};

} // namespace

void Comparison::compare(const std::vector<Change> &changes) {
  std::string what = entry.name;
  for (const Change &change : changes)
    what += ", " + std::string(entry.arguments[change.place.argument].name) + "[" + std::to_string(change.place.element) + "] of slot " + std::to_string(change.place.slot) +
            " = " + std::to_string(change.value);
  SCOPED_TRACE(what);
  AnyCall expected(&entry, sizesOf(entry), slots, {}), got(&entry, sizesOf(entry), slots, {});
  for (const Change &change : changes) {
    apply(entry, expected, change);
    apply(entry, got, change);
  }
  std::string message;
  gradus_status const status = expected.run(3, 1);
  ASSERT_EQ(runThere(got, message), status) << message << " / " << expected.getMessage();
  if (status == GRADUS_OK) { // what a loss makes of an infinity is not the guard's
    EXPECT_TRUE(!changes.empty() || got.getBits() == expected.getBits());
    return;
  }
  ASSERT_EQ(status, GRADUS_ERROR_NONFINITE);
  EXPECT_EQ(message, expected.getMessage());
  const gradus_report &here = expected.getReport(), &there = got.getReport();
  EXPECT_EQ(there.slot, here.slot);
  EXPECT_EQ(there.reserved, here.reserved);
  EXPECT_EQ(there.element, here.element);
  EXPECT_EQ(there.t, here.t);
  EXPECT_EQ(there.committed, 0);
  EXPECT_STREQ(there.what, here.what);
  EXPECT_TRUE(std::isnan(there.value));
  EXPECT_TRUE(got.getBits() == expected.getBits()) << "it has moved";
  ++counts.refused;
  counts.located += here.element >= 0;
}

/// Gradients that are finite, of which a next value is not.
void Comparison::overflow() {
  int32_t const W = findArgument(entry, "W"), X = findArgument(entry, "X"), seen = findArgument(entry, "W.seen");
  if (std::string(entry.name) != "matched_rows_step")
    return;
  ASSERT_TRUE(W >= 0 && X >= 0 && seen >= 0);
  int64_t const count = sizesOf(entry)[0] * sizesOf(entry)[1];
  for (int64_t element : {int64_t(0), count / 2, count - 1}) {
    std::vector<Change> changes = {{{0, X, element}, 3e38F}, {{0, seen, element}, 3.4e38F}};
    for (int64_t k = 0; k < count; ++k)
      changes.push_back({{0, W, k}, 0});
    compare(changes);
  }
}

void Comparison::run() {
  AnyCall call(&entry, sizesOf(entry), slots, {});
  const float values[] = {NAN, INFINITY, -INFINITY};
  compare({});
  for (gradus_role role : {GRADUS_GRAD, GRADUS_DATA, GRADUS_PARAM}) {
    std::vector<Place> const places = findPlaces(entry, call, role);
    for (size_t k = 0; k < places.size(); ++k)
      compare({{places[k], values[(k + k / 3) % 3]}});
    for (size_t k = 1; k < places.size(); k += 2) { // of several the first one counts
      compare({{places[k], NAN}, {places[k - 1], INFINITY}});
      compare({{places.back(), -INFINITY}, {places[k], NAN}});
    }
  }
  overflow();
}

RefusalCount gradus::compareRefusals(const gradus_entry &cpu, const RunThere &runThere) {
  Comparison comparison(cpu, runThere);
  comparison.run();
  return comparison.counts;
}
