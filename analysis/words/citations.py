"""The works that a methods section names, as BibTeX.

A text is searched for the short form, “Wu & He 2018”, so that what is cited and what is listed cannot differ.
"""

from typing import NamedTuple


class Work(NamedTuple):
    """`short`: as running text cites it; `fields`: of its BibTeX entry of `kind`, whose key is `key`."""

    short: str
    key: str
    kind: str
    fields: dict[str, str]

    @property
    def bibtex(self) -> str:
        lines = [f"  {name:<9} = {{{value}}}," for name, value in self.fields.items()]
        return "\n".join([f"@{self.kind}{{{self.key},", *lines, "}"])


def bibtex(text: str) -> str:
    """An entry for every work that `text` cites, in the order of WORKS; each ends with a newline."""
    return "\n".join(f"{work.bibtex}\n" for work in WORKS if work.short in text)


def _paper(
    short: str, key: str, authors: str, title: str, where: str, pages: str = "", year: str = ""
) -> Work:
    fields = {"author": authors, "title": title, "booktitle": where, "pages": pages}
    fields["year"] = year or short.rstrip("ab")[-4:]
    return Work(short, key, "inproceedings", {k: v for k, v in fields.items() if v})


def _article(short: str, key: str, authors: str, title: str, journal: str, volume: str, pages: str) -> Work:
    fields = {"author": authors, "title": title, "journal": journal, "volume": volume, "pages": pages}
    return Work(short, key, "article", {**fields, "year": short[-4:]})


def _arxiv(short: str, key: str, authors: str, title: str, number: str) -> Work:
    fields = {"author": authors, "title": title, "eprint": number, "archivePrefix": "arXiv"}
    return Work(short, key, "misc", {**fields, "year": short[-4:]})


WORKS: tuple[Work, ...] = (
    _paper(
        "Ioffe & Szegedy 2015", "ioffe2015batch", "Ioffe, Sergey and Szegedy, Christian",
        "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift",
        "Proceedings of the 32nd International Conference on Machine Learning", "448--456",
    ),
    _paper(
        "Wu & He 2018", "wu2018group", "Wu, Yuxin and He, Kaiming", "Group Normalization",
        "Proceedings of the European Conference on Computer Vision (ECCV)", "3--19",
    ),
    _arxiv(
        "Ba et al. 2016", "ba2016layer", "Ba, Jimmy Lei and Kiros, Jamie Ryan and Hinton, Geoffrey E.",
        "Layer Normalization", "1607.06450",
    ),
    _arxiv(
        "Ulyanov et al. 2016", "ulyanov2016instance",
        "Ulyanov, Dmitry and Vedaldi, Andrea and Lempitsky, Victor",
        "Instance Normalization: The Missing Ingredient for Fast Stylization", "1607.08022",
    ),
    _paper(
        "Zhang & Sennrich 2019", "zhang2019root", "Zhang, Biao and Sennrich, Rico",
        "Root Mean Square Layer Normalization", "Advances in Neural Information Processing Systems",
    ),
    _paper(
        "Summers & Dinneen 2020", "summers2020four", "Summers, Cecilia and Dinneen, Michael J.",
        "Four Things Everyone Should Know to Improve Batch Normalization",
        "International Conference on Learning Representations",
    ),
    _paper(
        "Ioffe 2017", "ioffe2017batch", "Ioffe, Sergey",
        "Batch Renormalization: Towards Reducing Minibatch Dependence in Batch-Normalized Models",
        "Advances in Neural Information Processing Systems",
    ),
    _paper(
        "Singh & Krishnan 2020", "singh2020filter", "Singh, Saurabh and Krishnan, Shankar",
        "Filter Response Normalization Layer: Eliminating Batch Dependence in the Training of Deep Neural "
        "Networks",
        "Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)",
    ),
    _paper(
        "Liu et al. 2020", "liu2020evolving",
        "Liu, Hanxiao and Brock, Andrew and Simonyan, Karen and Le, Quoc V.",
        "Evolving Normalization-Activation Layers", "Advances in Neural Information Processing Systems",
    ),
    _arxiv(
        "Zhu et al. 2025", "zhu2025transformers",
        "Zhu, Jiachen and Chen, Xinlei and He, Kaiming and LeCun, Yann and Liu, Zhuang",
        "Transformers without Normalization", "2503.10622",
    ),
    _paper(
        "De & Smith 2020", "de2020batch", "De, Soham and Smith, Samuel L.",
        "Batch Normalization Biases Residual Blocks Towards the Identity Function in Deep Networks",
        "Advances in Neural Information Processing Systems",
    ),
    _paper(
        "He et al. 2015a", "he2015deep", "He, Kaiming and Zhang, Xiangyu and Ren, Shaoqing and Sun, Jian",
        "Deep Residual Learning for Image Recognition (arXiv:1512.03385, 2015)",
        "Proceedings of the IEEE Conference on Computer Vision and Pattern Recognition (CVPR)", "770--778",
        "2016",
    ),
    _paper(
        "He et al. 2015b", "he2015delving", "He, Kaiming and Zhang, Xiangyu and Ren, Shaoqing and Sun, Jian",
        "Delving Deep into Rectifiers: Surpassing Human-Level Performance on {ImageNet} Classification",
        "Proceedings of the IEEE International Conference on Computer Vision (ICCV)", "1026--1034",
    ),
    _arxiv(
        "Goyal et al. 2017", "goyal2017accurate",
        "Goyal, Priya and Doll{\\'a}r, Piotr and Girshick, Ross and Noordhuis, Pieter and Wesolowski, Lukasz "
        "and Kyrola, Aapo and Tulloch, Andrew and Jia, Yangqing and He, Kaiming",
        "Accurate, Large Minibatch {SGD}: Training {ImageNet} in 1 Hour", "1706.02677",
    ),
    _paper(
        "Loshchilov & Hutter 2019", "loshchilov2019decoupled", "Loshchilov, Ilya and Hutter, Frank",
        "Decoupled Weight Decay Regularization", "International Conference on Learning Representations",
    ),
    _paper(
        "Pascanu et al. 2013", "pascanu2013difficulty",
        "Pascanu, Razvan and Mikolov, Tomas and Bengio, Yoshua",
        "On the Difficulty of Training Recurrent Neural Networks",
        "Proceedings of the 30th International Conference on Machine Learning", "1310--1318",
    ),
    _paper(
        "Brock et al. 2021", "brock2021high",
        "Brock, Andrew and De, Soham and Smith, Samuel L. and Simonyan, Karen",
        "High-Performance Large-Scale Image Recognition Without Normalization",
        "Proceedings of the 38th International Conference on Machine Learning", "1059--1071",
    ),
    Work("Krizhevsky 2009", "krizhevsky2009learning", "techreport", {
        "author": "Krizhevsky, Alex", "title": "Learning Multiple Layers of Features from Tiny Images",
        "institution": "University of Toronto", "year": "2009",
    }),
    _paper(
        "Netzer et al. 2011", "netzer2011reading",
        "Netzer, Yuval and Wang, Tao and Coates, Adam and Bissacco, Alessandro and Wu, Bo and Ng, Andrew Y.",
        "Reading Digits in Natural Images with Unsupervised Feature Learning",
        "NIPS Workshop on Deep Learning and Unsupervised Feature Learning",
    ),
    _arxiv(
        "Xiao et al. 2017", "xiao2017fashion", "Xiao, Han and Rasul, Kashif and Vollgraf, Roland",
        "{Fashion-MNIST}: a Novel Image Dataset for Benchmarking Machine Learning Algorithms", "1708.07747",
    ),
    _paper(
        "Han et al. 2018", "han2018coteaching",
        "Han, Bo and Yao, Quanming and Yu, Xingrui and Niu, Gang and Xu, Miao and Hu, Weihua and Tsang, Ivor "
        "and Sugiyama, Masashi",
        "Co-teaching: Robust Training of Deep Neural Networks with Extremely Noisy Labels",
        "Advances in Neural Information Processing Systems 31",
    ),
    Work("Alpaydin & Kaynak 1998", "alpaydin1998optical", "misc", {
        "author": "Alpaydin, Ethem and Kaynak, Cenk",
        "title": "Optical Recognition of Handwritten Digits",
        "howpublished": "UCI Machine Learning Repository", "year": "1998",
    }),
    _paper(
        "Paszke et al. 2019", "paszke2019pytorch",
        "Paszke, Adam and Gross, Sam and Massa, Francisco and Lerer, Adam and Bradbury, James and others",
        "{PyTorch}: An Imperative Style, High-Performance Deep Learning Library",
        "Advances in Neural Information Processing Systems 32",
    ),
    _paper(
        "Moritz et al. 2018", "moritz2018ray",
        "Moritz, Philipp and Nishihara, Robert and Wang, Stephanie and Tumanov, Alexey and Liaw, Richard "
        "and others",
        "{Ray}: A Distributed Framework for Emerging {AI} Applications",
        "13th USENIX Symposium on Operating Systems Design and Implementation (OSDI)", "561--577",
    ),
    _article(
        "Student 1908", "student1908probable", "Student", "The Probable Error of a Mean", "Biometrika",
        "6", "1--25",
    ),
    _article(
        "Lai 1976", "lai1976confidence", "Lai, Tze Leung", "On Confidence Sequences",
        "The Annals of Statistics", "4", "265--280",
    ),
    _arxiv(
        "Wang & Ramdas 2023", "wang2023anytime", "Wang, Hongjian and Ramdas, Aaditya",
        "Anytime-Valid t-Tests and Confidence Sequences for {Gaussian} Means with Unknown Variance",
        "2310.03722",
    ),
    _article(
        "Welch 1947", "welch1947generalization", "Welch, Bernard L.",
        "The Generalization of `Student's' Problem when Several Different Population Variances are Involved",
        "Biometrika", "34", "28--35",
    ),
    _article(
        "Holm 1979", "holm1979simple", "Holm, Sture", "A Simple Sequentially Rejective Multiple Test "
        "Procedure",
        "Scandinavian Journal of Statistics", "6", "65--70",
    ),
    _article(
        "Fieller 1954", "fieller1954some", "Fieller, Edgar C.", "Some Problems in Interval Estimation",
        "Journal of the Royal Statistical Society, Series B", "16", "175--185",
    ),
    _article(
        "Schuirmann 1987", "schuirmann1987comparison", "Schuirmann, Donald J.",
        "A Comparison of the Two One-Sided Tests Procedure and the Power Approach for Assessing the "
        "Equivalence "
        "of Average Bioavailability",
        "Journal of Pharmacokinetics and Biopharmaceutics", "15", "657--680",
    ),
    _article(
        "Berger 1982", "berger1982multiparameter", "Berger, Roger L.",
        "Multiparameter Hypothesis Testing and Acceptance Sampling", "Technometrics", "24", "295--300",
    ),
)  # fmt: skip
