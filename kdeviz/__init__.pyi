__version__: str

from . import charts as charts
from . import explain as explain
from . import sweep as sweep
from .analysis import Analysis as Analysis
from .analysis import analyse as analyse
from .analysis import estimate as estimate
from .data import EmbeddingSet as EmbeddingSet
from .data import load_embeddings as load_embeddings
from .data import load_sample as load_sample
from .decision import Decision as Decision
from .decision import ThresholdRule as ThresholdRule
from .decision import decide as decide
from .errors import Cancelled as Cancelled
from .errors import DataError as DataError
from .errors import FitWarning as FitWarning
from .errors import ForkError as ForkError
from .errors import KdevizError as KdevizError
from .errors import ModelFileError as ModelFileError
from .errors import NotFittedError as NotFittedError
from .errors import OptionError as OptionError
from .model import PCA as PCA
from .model import GaussianKDE as GaussianKDE
from .model import KDEClassifier as KDEClassifier
from .model import ProbabilityCurve as ProbabilityCurve
from .settings import FeatureScalingMethod as FeatureScalingMethod
from .settings import Settings as Settings
