"""The check of the theorem on the approximate gradient (paper, section 3)."""

from benchmarks.design.experiment import Experiment, Grid
from benchmarks.design.setting import ALL

SCALARS = ("poisson_scalar", "fisher_kpp")
FUNCTIONS = ("poisson", "heat", "burgers", "darcy", "source")

EXPERIMENT = Experiment(
    name="theory",
    summary="The gradients that the bilevel iteration follows against exact ones",
    grids={profile: (Grid((ALL,)),) for profile in ("quick", "full")},
    module="benchmarks.theory.study",
    problems=(*SCALARS, *FUNCTIONS),
    figures=("theory",),
    headlines=(),
    remarks=(
        "At the start of each problem, away from the optimum, after 0, 30, .. 3,000 iterations of "
        "L-BFGS on the lower loss; 3 layers of 16, float64.",
        "`cosine` and `norm ratio` compare the gradient through the network's input with the "
        "hypergradient by the implicit function theorem at the same weights: the theorem is about "
        "the term by which these differ, and nothing else differs between them. The columns "
        "`solver` compare it with the gradient of the reduced objective by the numerical solution, "
        "where the error of the network's field counts too.",
        "poisson_scalar has one unknown: its cosine is a sign. The theorem covers it; it does not "
        "cover fisher_kpp, whose linearisation has one solution too.",
        "The error of the sensitivities is the largest, over the unknowns, of the relative L2 "
        "errors of du/dtheta at the data.",
        "Unknown functions: the gradient of the data term by the values of the function, in L2, "
        "projected on the first 20 sines, on 8 x 8 cosines (darcy), or on those of the disc "
        "(source); `outside` is the part of the exact gradient (L2 norms) that no mode has. Along "
        "a fit of recipe varpro: its start, half of the steps to its end, and its end, the last "
        "step whose gradient is at least ten times that at the answer, or, where there is none, "
        "the last. Exact is the adjoint of the discretised problem (burgers: Godunov's scheme on "
        "4,004 cells); `directions` what recipe varpro follows; `local shift` what the others do "
        "where their lower level is solved, at the departure points for burgers; `solver` the "
        "exact solver's u and du/df on the usual grid, in the network's place.",
        "burgers: exact until a shock has formed, then lost, while the solver's holds but for "
        "steps at which its own adjoint does not converge: the strong form says nothing at a "
        "shock. darcy, by its weak form: exact until what the data term has left is the error of "
        "the features, which have no kinks where A jumps; two steps after the end the direction "
        "is lost (cosine -.3), while the solver's holds. heat has no noise: its last gradients "
        "are smaller than what 101 nodes resolve.",
    ),
)
