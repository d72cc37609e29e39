//===- UnusedImport.cpp - An import of which nothing is used -----------------===//
//
//     import "std/rules/adam.grad"                     warned of, where no unit says adam
//
//===----------------------------------------------------------------------===//

#include "lang/lint/Finding.h"

using namespace gradus;
using namespace gradus::lint;

void lint::findUnusedImport(Subject &subject, Findings &findings) {
  llvm::StringSet<> used;
  for (const server::OpenName &name : subject.names().open)
    used.insert_range(name.units);
  for (auto [import, sheet] : subject.spec.imports) {
    bool isUsed = false;
    std::string first;
    for (const ast::UnitPtr &unit : sheet->units)
      if (const ast::Ident *name = server::nameOf(*unit)) {
        isUsed |= used.contains(name->name);
        first = first.empty() ? name->name : first;
      }
    if (!isUsed)
      findings.push_back({import->pathLoc, "nothing of '" + import->path + "' is used", first.empty() ? "leave it out" : "leave it out, or use '" + first + "'"});
  }
}
