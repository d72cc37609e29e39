//===- MutationTest.cpp - The tests find every derivative that is wrong ---------===//
//
// In each program, the derivative of each op in each operand is made wrong in turn: scaled, and of the other sign. What the matrix of tests asks of the first
// derivatives must then fail. A fault is planted in the table at run time; a fault that no rule meets is none.
//
//===----------------------------------------------------------------------===//

#include "Check.h"

#include "mlir/Transforms/RegionUtils.h"
#include "gtest/gtest.h"

#include <set>

using namespace mlir;
using namespace gradus;
using namespace gradus::matrix;

namespace {

using Kind = DerivativeFault::Kind;
/// An op and the number of an operand; the number of operands stands for what regions read around them.
using Place = std::pair<std::string, unsigned>;

/// Where a program's derivatives have contributions.
std::set<Place> findPlaces(MLIRContext &context, const Program &program) {
  std::set<Place> places;
  Function function(context, mapOf(program));
  function.getModule()->walk([&](Operation *op) {
    DerivativeKind kind = getDerivativeKind(op);
    bool hasDerivative = kind == DerivativeKind::Row || kind == DerivativeKind::Linear || kind == DerivativeKind::Rule || kind == DerivativeKind::Region;
    if (!hasDerivative || isa<EveryOp, GradOp, JvpOp>(op)) // expanded, or taken for a condition
      return;
    for (OpOperand &operand : op->getOpOperands())
      if (cast<ArrayType>(operand.get().getType()).isFloat())
        places.insert({op->getName().getStringRef().str(), operand.getOperandNumber()});
    llvm::SetVector<Value> read;
    if (isa<IfOp, LoopOp, ScanOp>(op))
      getUsedValuesDefinedAbove(op->getRegions(), read);
    if (llvm::any_of(read, [](Value value) { return cast<ArrayType>(value.getType()).isFloat(); }))
      places.insert({op->getName().getStringRef().str(), op->getNumOperands()});
  });
  return places;
}

class Mutations : public testing::Test {
protected:
  Mutations() { context.loadDialect<GradusDialect>(); }
  MLIRContext context;
};

TEST_F(Mutations, AreFound) {
  DerivativeTable sound(&context), table(&context);
  std::set<Place> all, found;
  unsigned count = 0;
  for (const Program &program : getPrograms()) {
    Check check(context, program);
    Findings findings;
    check.checkTransposed(sound, findings);
    for (const ForwardMode &mode : getForwardModes())
      check.checkForward(mode, sound, findings);
    EXPECT_TRUE(findings.empty()) << findings.front();
    for (const Place &place : findPlaces(context, program)) {
      all.insert(place);
      for (Kind kind : {Kind::Scaled, Kind::Flipped}) {
        table.plant({place.first, place.second, kind});
        Findings wrong;
        check.checkTransposed(table, wrong);
        if (!table.isFaultMet())
          continue;
        ++count;
        bool isFound = !wrong.empty();
        EXPECT_TRUE(isFound || program.hasIdleParts) << program.name << ": fault " << static_cast<int>(kind) << " of " << place.first << ", operand " << place.second;
        for (const ForwardMode &mode : getForwardModes())
          if (mode.hasRules) {
            wrong.clear();
            check.checkForward(mode, table, wrong);
            EXPECT_EQ(!wrong.empty(), isFound) << program.name << ", " << mode.name << ": fault " << static_cast<int>(kind) << " of " << place.first << ", operand "
                                               << place.second;
          }
        if (isFound)
          found.insert(place);
      }
    }
  }
  for (const Place &place : all)
    EXPECT_TRUE(found.count(place)) << "no program finds a fault in the derivative of " << place.first << " in operand " << place.second;
  RecordProperty("faults", count);
  RecordProperty("places", found.size());
}

/// What a fault takes away is refused, not taken for 0.
TEST_F(Mutations, ThatAreMissingAreRefused) {
  DerivativeTable table(&context);
  for (const Program &program : getPrograms()) {
    std::vector<Map> maps{transposedDerivative(mapOf(program))};
    for (const ForwardMode &mode : getForwardModes())
      maps.push_back(mode.make(mapOf(program)));
    for (const Place &place : findPlaces(context, program)) {
      for (const Map &map : maps) {
        table.plant({place.first, place.second, Kind::Missing});
        std::string messages;
        bool isRefused = !Function::compile(context, map, &table, &messages);
        if (!table.isFaultMet())
          continue;
        EXPECT_TRUE(isRefused) << program.name << ": " << place.first << ", operand " << place.second;
        EXPECT_NE(messages.find("G0850: no derivative of '" + place.first + "'"), std::string::npos) << messages;
      }
    }
  }
}

} // namespace
