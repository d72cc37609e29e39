//===- CSourceTest.cpp - The gradients of the whole shelf as C99 -----------------===//
//
// Every loss of lang/std, of the thirty specs and of Inputs/control.grad: the gradient is printed as C, compiled without a warning and
// called; value and gradients are those of the evaluator.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/CSource.h"
#include "dialect/DimExpr.h"
#include "test/codegen/emit/Shelf.h"

#include "llvm/ADT/StringExtras.h"

#include <cmath>
#include <dlfcn.h>
#include <fstream>
#include <sstream>
#include <unistd.h>

using namespace gradus;
using namespace gradus::reference;

namespace {

/// What is not written as C, by name, with a part of the message.
const std::map<std::string, std::string> notWritten = {
    {"dropped", "'gradus.draw'"},
    {"dropped_each_pass", "'gradus.draw'"},
    {"elle_adaptive", "'gradus.draw'"},
    {"entropic_softmax", "'gradus.draw'"},
    {"fisher_regularized", "'gradus.draw'"},
    {"noisy_nested", "'gradus.draw'"},
    {"noisy_states", "'gradus.draw'"},
    {"prox_matching", "'gradus.draw'"},
    {"proximal_matching", "'gradus.draw'"},
    {"softmax_sampled", "'gradus.draw'"},
    {"softmax_sampled_linear", "'gradus.draw'"},
};

/// What lies between the parentheses of the function, split at the commas.
std::vector<std::string> argumentsOf(const std::string &text, const std::string &name) {
  std::string head = "\ndouble " + name + "(";
  size_t begin = text.find(head);
  EXPECT_NE(begin, std::string::npos) << text;
  begin += head.size();
  llvm::SmallVector<llvm::StringRef> parts;
  llvm::StringRef(text).slice(begin, text.find(") {", begin)).split(parts, ", ");
  return {parts.begin(), parts.end()};
}

/// A call with everything in arrays: sizes, arguments, results.
std::string wrapperOf(const std::string &text, const std::string &name, const std::vector<int> &isScalar, size_t numSizes, size_t numResults) {
  std::vector<std::string> arguments = argumentsOf(text, name);
  std::string call;
  bool hasWorkspace = arguments.back() == "void *workspace";
  for (size_t i = 0; i < arguments.size(); ++i) {
    llvm::StringRef type = llvm::StringRef(arguments[i]).rsplit(' ').first;
    size_t own = i - numSizes;
    call += i ? ", " : "";
    if (i < numSizes)
      call += "sizes[" + std::to_string(i) + "]";
    else if (own < isScalar.size())
      call += (isScalar[own] ? "*(const " + type.str() + " *)" : std::string()) + "arguments[" + std::to_string(own) + "]";
    else if (own < isScalar.size() + numResults)
      call += "results[" + std::to_string(own - isScalar.size()) + "]";
    else
      call += "workspace";
  }
  std::string sizes;
  for (size_t i = 0; i < numSizes; ++i)
    sizes += (i ? ", sizes[" : "sizes[") + std::to_string(i) + "]";
  return text + "\ndouble call(const int64_t *sizes, void **arguments, void **results, void *workspace);\ndouble call(const int64_t *sizes, void **arguments, void **results, "
                "void *workspace) {\n  (void)sizes, (void)arguments, (void)results, (void)workspace;\n  return " +
         name + "(" + call + ");\n}\nsize_t room(const int64_t *sizes);\nsize_t room(const int64_t *sizes) {\n  (void)sizes;\n  return " +
         (hasWorkspace ? name + "_workspace(" + sizes + ")" : "0") + ";\n}\n";
}

std::string readAll(const std::string &path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

class CSource : public testing::TestWithParam<ShelfLoss> {};

TEST_P(CSource, GivesTheSameNumbers) {
  ShelfGradient shelf(GetParam());
  FuncOp gradient = shelf.gradient;
  ASSERT_TRUE(gradient) << shelf.said;
  std::string said;
  mlir::ScopedDiagnosticHandler listen(&shelf.context, [&](mlir::Diagnostic &diagnostic) {
    said += diagnostic.str();
    return mlir::success();
  });
  auto text = printAsC(gradient);
  auto known = notWritten.find(GetParam().name);
  if (known != notWritten.end()) {
    EXPECT_TRUE(failed(text)) << "is written now:\n" << *text;
    EXPECT_NE(said.find(known->second), std::string::npos) << said;
    return;
  }
  ASSERT_TRUE(succeeded(text)) << said;

  Arrays<double> point = makeRandomPoint(gradient, {});
  std::vector<std::pair<mlir::Attribute, int64_t>> dims;
  llvm::StringMap<int64_t> sizes;
  std::set<std::string> symbols;
  std::vector<int> isScalar;
  std::vector<std::vector<int32_t>> narrow(point.size());
  std::vector<void *> arguments;
  for (unsigned i = 0; i < gradient.getNumArguments(); ++i) {
    auto type = llvm::cast<ArrayType>(gradient.getArgumentTypes()[i]);
    isScalar.push_back(type.isScalar());
    for (auto [dim, size] : llvm::zip_equal(type.getShape(), point[i].shape))
      dims.push_back({dim, size});
    if (type.isBool())
      narrow[i].assign(point[i].ints.begin(), point[i].ints.end());
    arguments.push_back(type.isBool() ? static_cast<void *>(narrow[i].data()) : type.isFloat() ? static_cast<void *>(point[i].reals.data()) : point[i].ints.data());
  }
  for (auto &[dim, size] : dims)
    if (llvm::isa<mlir::StringAttr>(dim)) {
      for (const std::string &symbol : DimExpr::of(dim).getSymbols())
        symbols.insert(symbol);
      if (!isFormula(dim))
        sizes[llvm::cast<mlir::StringAttr>(dim).getValue()] = size;
    }
  solveSizes(dims, sizes);
  std::vector<int64_t> sizeList;
  for (const std::string &symbol : symbols)
    sizeList.push_back(sizes.lookup(symbol));

  std::string error, name = GetParam().name + "_grad";
  auto expected = evaluate<double>(gradient, point, error);
  ASSERT_TRUE(succeeded(expected)) << error;
  std::string folder = testing::TempDir() + "/" + name + std::to_string(getpid());
  std::ofstream(folder + ".c") << wrapperOf(*text, name, isScalar, sizeList.size(), expected->size() - 1);
  std::string command = std::string(GRADUS_CLANG) + " -std=c99 -O1 -ffp-contract=off -Wall -Wextra -Werror -shared -fPIC " + folder +
                        ".c -lm -o " + folder + ".so 2> " + folder + ".txt";
  int status = std::system(command.c_str());
  ASSERT_EQ(status, 0) << readAll(folder + ".txt") << *text;
  void *library = dlopen((folder + ".so").c_str(), RTLD_NOW);
  ASSERT_TRUE(library) << dlerror();
  auto call = reinterpret_cast<double (*)(const int64_t *, void **, void **, void *)>(dlsym(library, "call"));
  auto room = reinterpret_cast<size_t (*)(const int64_t *)>(dlsym(library, "room"));
  std::vector<double> workspace(room(sizeList.data()) / 8 + 1, -7.5);
  std::vector<std::vector<double>> got;
  std::vector<void *> results;
  for (const auto &array : llvm::ArrayRef(*expected).drop_front())
    got.emplace_back(array.size(), -7.5);
  for (auto &array : got)
    results.push_back(array.data());
  double value = call(sizeList.data(), arguments.data(), results.data(), workspace.data());
  EXPECT_EQ(workspace.back(), -7.5) << "beyond the workspace";
  dlclose(library);
  for (const char *suffix : {".c", ".so", ".txt"})
    std::remove((folder + suffix).c_str());
  auto compare = [&](double a, double b, const std::string &where) {
    if (!(std::isnan(a) && std::isnan(b)) && a != b)
      EXPECT_NEAR(a, b, 1e-12 * std::max(1.0, std::fabs(b))) << where << "\n" << *text;
  };
  compare(value, expected->front().reals.front(), "value");
  for (size_t k = 0; k < got.size(); ++k)
    for (size_t i = 0; i < got[k].size(); ++i)
      compare(got[k][i], (*expected)[k + 1].reals[i], "result " + std::to_string(k + 1) + ", element " + std::to_string(i));
}

INSTANTIATE_TEST_SUITE_P(Library, CSource, testing::ValuesIn(findLosses({std::string(GRADUS_TEST_FOLDER) + "/codegen/emit/Inputs/control.grad"})),
                         [](const auto &info) { return std::to_string(info.index) + "_" + info.param.name; });

} // namespace
