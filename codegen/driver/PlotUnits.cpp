//===- PlotUnits.cpp - What `gradus plot` is asked for --------------------------------===//

#include "codegen/driver/PlotUnits.h"

#include "codegen/driver/Chart.h"
#include "lang/Parser.h"
#include "lang/server/Names.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Casting.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace gradus::driver {

const ast::Ident &nameOf(const ast::Unit &unit) { return *server::nameOf(unit); }

static std::optional<PictureKind> kindOf(const ast::Unit &unit) {
  if (isa<ast::Rule>(unit))
    return PictureKind::Rule;
  auto *function = dyn_cast<ast::Function>(&unit);
  if (!function)
    return std::nullopt;
  switch (function->function) {
  case ast::FunctionKind::Fn:
  case ast::FunctionKind::Loss:
    return PictureKind::Function;
  case ast::FunctionKind::Prox:
  case ast::FunctionKind::Projection:
    return PictureKind::Prox;
  case ast::FunctionKind::Schedule:
    return PictureKind::Schedule;
  case ast::FunctionKind::Solver:
    return std::nullopt;
  }
  return std::nullopt;
}

static StringRef wordOf(PictureKind kind) {
  static constexpr StringLiteral words[] = {"a schedule", "a function", "a prox or projection", "a rule"};
  return words[static_cast<size_t>(kind)];
}

/// Whether a picture can be of a function: of one number, the first argument.
static bool takesNumber(const ast::Function &function) {
  if (function.function == ast::FunctionKind::Schedule)
    return true;
  if (function.params.empty())
    return false;
  const std::optional<ast::Type> &type = function.params.front().type;
  return !type || (type->kind == ast::TypeKind::Tensor && type->dims.empty());
}

int PlotUnits::refuse(Code code, const Location &at, const std::string &text, const std::string &wayOut) {
  diagnostics.error(code, at, text).suggest(wayOut);
  errs() << diagnostics.render();
  return ExitFailed;
}

WrittenSpec PlotUnits::beginSpec() const {
  WrittenSpec spec("--of", given);
  spec << imports;
  return spec;
}

std::optional<std::vector<StringRef>> splitCalls(StringRef text) {
  std::vector<StringRef> calls;
  size_t begin = 0;
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    depth += text[i] == '(' || text[i] == '[';
    depth -= text[i] == ')' || text[i] == ']';
    if (depth < 0)
      return std::nullopt;
    if (text[i] != ',' || depth != 0)
      continue;
    calls.push_back(text.slice(begin, i).trim());
    begin = i + 1;
  }
  if (depth != 0)
    return std::nullopt;
  calls.push_back(text.drop_front(begin).trim());
  return calls;
}

std::optional<int> PlotUnits::find(StringRef call) {
  auto [name, rest] = call.split('(');
  name = name.rtrim();
  bool hasArguments = call.contains('(');
  if (name.empty() || (hasArguments && !rest.consume_back(")")))
    return usageError("'--of' expects calls of units, as in 'adam(lr = 0.1), sgd', but got '" + call.str() + "'");
  std::vector<std::string> names;
  for (const std::unique_ptr<ast::Sheet> &sheet : sheets)
    for (const ast::UnitPtr &unit : sheet->units) {
      const ast::Ident *known = server::nameOf(*unit);
      if (!known)
        continue;
      names.push_back(known->name);
      if (known->name != name)
        continue;
      units.push_back({(rest.trim().empty() ? name : call).str(), call, name, rest.trim(), unit.get()});
      return std::nullopt;
    }
  std::string hint = didYouMean(name.str(), names);
  return usageError("no unit '" + name.str() + "' in the specs" + (hint.empty() ? "" : "; " + hint));
}

/// Without --of: the unit that is named as its file, or the only one of a spec that has a picture.
std::optional<int> PlotUnits::choose(StringRef stem) {
  std::vector<const ast::Unit *> pictured;
  for (const ast::UnitPtr &unit : sheets.back()->units) {
    auto *function = dyn_cast<ast::Function>(unit.get());
    if (kindOf(*unit) && (!function || takesNumber(*function)))
      pictured.push_back(unit.get());
    const ast::Ident *name = server::nameOf(*unit);
    if (name && name->name == stem)
      return find(name->name);
  }
  if (pictured.size() == 1)
    return find(nameOf(*pictured.front()).name);
  std::vector<std::string> names;
  for (const ast::Unit *unit : pictured)
    names.push_back(nameOf(*unit).name);
  return usageError("'" + stem.str() + "': " + (names.empty() ? "the spec has no unit that a picture is made of" : "choose what is drawn with --of: " + join(names, ", ")));
}

std::optional<int> PlotUnits::checkArgument(const ast::Function &function) {
  if (takesNumber(function))
    return std::nullopt;
  std::string name = function.name.name;
  if (function.params.empty())
    return refuse(Code::PictureOfArray, function.name.loc, "'" + name + "' has no argument that a picture could be over", "a picture is of a function of one number");
  const ast::Param &first = function.params.front();
  bool isArray = first.type->kind == ast::TypeKind::Tensor;
  return refuse(Code::PictureOfArray, first.loc,
                "a picture is of a function of one number, but '" + first.name.name + "', the first argument of '" + name + "', is " + (isArray ? "an array" : "a function"),
                isArray ? "an argument of one number has the type [], or none" : "write a fn of one number that calls '" + name + "'");
}

std::optional<int> PlotUnits::checkKinds() {
  for (const PlottedUnit &unit : units) {
    std::optional<PictureKind> found = kindOf(*unit.unit);
    if (!found)
      return refuse(Code::NoPicture, nameOf(*unit.unit).loc, "'" + unit.name.str() + "' has no picture", "there are pictures of schedules, functions of one number, proxes, projections and rules");
    if (&unit == &units.front())
      kind = *found;
    if (*found != kind)
      return usageError("one picture shows units of one kind, but '" + units.front().name.str() + "' is " + wordOf(kind).str() + " and '" + unit.name.str() + "' " + wordOf(*found).str());
    if (auto *function = dyn_cast<ast::Function>(unit.unit))
      if (std::optional<int> exit = checkArgument(*function))
        return exit;
  }
  // A function is drawn with its derivative, so that three fill a picture.
  size_t most = kind == PictureKind::Function ? maxColours / 2 : kind == PictureKind::Prox ? maxColours - 1 : maxColours;
  if (units.size() > most)
    return usageError("one picture shows at most " + std::to_string(most) + " units of this kind, but got " + std::to_string(units.size()));
  return std::nullopt;
}

std::optional<int> PlotUnits::read(ArrayRef<std::string> paths, StringRef of) {
  for (const std::string &path : paths) {
    const Source *source = readSource(path, sources, diagnostics);
    std::unique_ptr<ast::Sheet> sheet = source ? parse(*source, diagnostics) : nullptr;
    if (!sheet) {
      errs() << diagnostics.render();
      return ExitFailed;
    }
    sheets.push_back(std::move(sheet));
    // With a slash, so that it is no module's name.
    imports += "import \"" + std::string(StringRef(path).contains('/') ? "" : "./") + path + "\"\n";
    if (of.empty())
      if (std::optional<int> exit = choose(sys::path::stem(path)))
        return exit;
  }
  if (!of.empty()) {
    given = of.str();
    std::optional<std::vector<StringRef>> calls = splitCalls(given);
    if (!calls)
      return usageError("'--of' expects calls of units, as in 'adam(lr = 0.1), sgd', but the brackets of '" + given + "' do not match");
    for (StringRef call : *calls)
      if (std::optional<int> exit = find(call))
        return exit;
  }
  return checkKinds();
}

} // namespace gradus::driver
