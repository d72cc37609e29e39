//===- SilenceTest.cpp - What has no derivative is refused, and says where ------===//

#include "Check.h"

#include "passes/diff/ReverseSweep.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace gradus;
using namespace gradus::matrix;

namespace {

/// A message and the line that it stands at.
struct Said {
  std::string text;
  unsigned line;
};

unsigned lineOf(Location location) {
  auto file = location->findInstanceOf<FileLineColLoc>();
  return file ? file.getLine() : 0;
}

/// What is said where the gradients of a map are asked for: an error, then its notes. Empty if they are given.
std::vector<Said> collectMessages(ModuleOp module, const DerivativeTable &table) {
  std::vector<Said> said;
  ScopedDiagnosticHandler handler(module.getContext(), [&](Diagnostic &diagnostic) {
    said.push_back({diagnostic.str(), lineOf(diagnostic.getLocation())});
    for (Diagnostic &note : diagnostic.getNotes())
      said.push_back({note.str(), lineOf(note.getLocation())});
  });
  FuncOp func = *module.getOps<FuncOp>().begin();
  EXPECT_EQ(failed(expandGradients(func.getBody(), table)), !said.empty());
  return said;
}

class Silence : public testing::TestWithParam<Refused> {
protected:
  Silence() {
    context.loadDialect<GradusDialect>();
    context.printOpOnDiagnostic(false); // its note is none of ours
  }
  MLIRContext context;
};

/// Every mode, the second derivatives included.
std::vector<Map> makeMaps(const Program &program) {
  Map map = mapOf(program);
  std::vector<Map> maps{transposedDerivative(map), transposedDerivative(transposedDerivative(map))};
  for (const ForwardMode &mode : getForwardModes()) {
    maps.push_back(mode.make(map));
    maps.push_back(secondDerivative(map, mode));
  }
  return maps;
}

TEST_P(Silence, IsBrokenWithPlaceAndPath) {
  const auto &[op, program] = GetParam();
  DerivativeTable table(&context);
  for (const Map &map : makeMaps(program)) {
    auto module = parseSourceString<ModuleOp>(print(map, /*isOpen=*/op == "gradus.all_reduce"), &context, "test");
    ASSERT_TRUE(module) << print(map);
    Operation *refused = nullptr;
    std::vector<unsigned> gradients;
    module->walk([&](Operation *inner) {
      if (inner->getName().getStringRef() == op)
        refused = inner;
      if (isa<GradOp, JvpOp>(inner))
        gradients.push_back(lineOf(inner->getLoc()));
    });
    ASSERT_TRUE(refused);
    unsigned line = lineOf(refused->getLoc());
    bool isImplicit = refused->hasAttr("implicit");
    std::vector<Said> said = collectMessages(*module, table);
    ASSERT_GE(said.size(), 3u) << print(map);
    EXPECT_EQ(said.front().text, "G0850: no derivative of " + (isImplicit ? "a solver" : "'" + op + "'"));
    EXPECT_EQ(said.front().line, line);
    EXPECT_TRUE(said[1].text == "the gradient is asked for here" || said[1].text == "the derivative is asked for here") << said[1].text;
    EXPECT_TRUE(llvm::is_contained(gradients, said[1].line));
    EXPECT_EQ(said.back().text, "and needs the derivative of '" + op + "'; 'stop' makes it a constant");
    EXPECT_EQ(said.back().line, line);
    // The steps between, from the loss to the op: those that the map itself makes.
    for (size_t k = 2; k + 1 < said.size(); ++k)
      EXPECT_EQ(said[k].text.find("which goes through 'gradus."), 0u) << said[k].text;
    if (said.size() > 3) // the op may read the point itself
      EXPECT_NE(said[said.size() - 2].text.find("'gradus."), std::string::npos);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Silence, testing::ValuesIn(getRefused()), [](const auto &info) { return info.param.program.name; });

/// A first derivative whose own derivative is not in the language.
TEST(SecondDerivatives, AreRefusedWhereThereAreNone) {
  MLIRContext context;
  context.loadDialect<GradusDialect>();
  DerivativeTable table(&context);
  for (const Program &program : getPrograms()) {
    if (program.order > 1)
      continue;
    Map map = mapOf(program);
    std::vector<Map> maps{transposedDerivative(transposedDerivative(map))};
    for (const ForwardMode &mode : getForwardModes())
      maps.push_back(secondDerivative(map, mode));
    for (const Map &second : maps) {
      auto module = parseSourceString<ModuleOp>(print(second), &context, "test");
      std::vector<Said> said = collectMessages(*module, table);
      ASSERT_FALSE(said.empty()) << program.name;
      EXPECT_EQ(said.front().text.find("G0850: no derivative of "), 0u) << said.front().text;
    }
  }
}

} // namespace
