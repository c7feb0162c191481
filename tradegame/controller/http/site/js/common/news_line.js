// News in one line.

import { t } from "./words.js";

/**
 * What the news say, with the good that they are about in front.
 * @param {{text: string, good?: string | null}} news
 */
export const newsLine = ({ text, good }) => (good ? t("news.of_good", { good, text }) : text);
