//===- Lint.cpp - Runs the lints and what silences them ---------------------===//

#include "lang/lint/Allowances.h"
#include "lang/lint/Finding.h"

#include "llvm/ADT/STLExtras.h"

using namespace gradus;
using namespace gradus::lint;

static constexpr LintInfo lints[] = {
#define GRADUS_LINT(NAME, FUNCTION, SUMMARY) {NAME, Code::FUNCTION, SUMMARY},
#include "lang/lint/Lints.def"
};

using Find = void (*)(Subject &, Findings &);
static constexpr Find finders[] = {
#define GRADUS_LINT(NAME, FUNCTION, SUMMARY) find##FUNCTION,
#include "lang/lint/Lints.def"
};

llvm::ArrayRef<LintInfo> gradus::getLints() { return lints; }

void gradus::runLints(const CheckedSpec &spec, const Source &main, Diagnostics &diagnostics) {
  Subject subject(spec, main, diagnostics.getSources());
  Allowances allowances(spec.sheet);
  for (auto [lint, find] : llvm::zip_equal(lints, finders)) {
    Findings findings;
    find(subject, findings);
    for (Finding &finding : findings) {
      if (allowances.silence(lint.name, finding.at))
        continue;
      Diagnostic &message = diagnostics.warning(lint.code, finding.at, finding.text).suggest(finding.help);
      message.notes = std::move(finding.notes);
      message.lint = lint.name;
    }
  }
  allowances.report(diagnostics);
}
